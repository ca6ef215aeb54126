package gfn

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-ml/sluice/graph"
)

// This file is parameters by name: cut out of a vector, put back into one, and hashed.

// Tensor is a named array, row-major; a weight is [in, out], one number has no shape.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// tensors cuts vector into the tensors of a layout.
func tensors(ps graph.Params, vector []float64, prefix string) []Tensor {
	var out []Tensor
	for _, p := range ps {
		t := Tensor{Name: prefix + p.Name, Shape: slices.Clone(p.Shape), Data: make([]float32, p.Size())}
		for i := range t.Data {
			t.Data[i] = float32(vector[p.Offset+i])
		}
		out = append(out, t)
	}
	return out
}

// vector is the reverse of tensors; it names what does not fit.
func vector(ps graph.Params, list []Tensor, prefix string) ([]float64, error) {
	byName := map[string]Tensor{}
	for _, t := range list {
		byName[t.Name] = t
	}
	out := make([]float64, ps.Len())
	for _, p := range ps {
		t, ok := byName[prefix+p.Name]
		if !ok {
			return nil, fmt.Errorf("gfn: the checkpoint has no tensor %q", prefix+p.Name)
		}
		if !slices.Equal(t.Shape, p.Shape) {
			return nil, fmt.Errorf("gfn: tensor %q is %v in the checkpoint, %v in this model", t.Name, t.Shape, p.Shape)
		}
		if len(t.Data) != p.Size() {
			return nil, fmt.Errorf("gfn: tensor %q has %d numbers, want %d", t.Name, len(t.Data), p.Size())
		}
		for i, v := range t.Data {
			out[p.Offset+i] = float64(v)
		}
		delete(byName, t.Name)
	}
	for name := range byName {
		if strings.HasPrefix(name, prefix) {
			return nil, fmt.Errorf("gfn: the checkpoint's tensor %q is not in this model", name)
		}
	}
	return out, nil
}

// hash is SHA-256 over tensors sorted by name: name, a zero byte, the number of dimensions and each of them as little-endian
// uint32, then little-endian float32 bits.
func hash(list []Tensor) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	h := sha256.New()
	var word [4]byte
	put := func(v uint32) {
		binary.LittleEndian.PutUint32(word[:], v)
		h.Write(word[:])
	}
	for _, t := range list {
		h.Write([]byte(t.Name))
		h.Write([]byte{0})
		put(uint32(len(t.Shape)))
		for _, d := range t.Shape {
			put(uint32(d))
		}
		for _, v := range t.Data {
			put(math.Float32bits(v))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
