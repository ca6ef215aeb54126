package gfn

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/maruel/safetensors"
)

// This file is parameters on disk: safetensors, which Python reads in two lines.

// Save writes the parameters as safetensors.
func (p *Policy) Save(w io.Writer) error { return WriteTensors(w, p.Tensors()) }

// Load is a policy with the job's networks and the parameters read from r, the caller's to Close. Job needs no more than Device,
// World, LogReward, Balance, Net and Backward.
func Load(r io.Reader, job Job) (*Policy, error) {
	m, err := build(job)
	if err != nil {
		return nil, err
	}
	list, err := ReadTensors(r)
	if err != nil {
		return nil, err
	}
	v, err := vector(m.judge.Params, list, "")
	if err != nil {
		return nil, err
	}
	p, err := newPolicy(m)
	if err != nil {
		return nil, err
	}
	p.params.Write(v, 0)
	return p, nil
}

// WriteTensors writes tensors as safetensors, float32, little-endian.
func WriteTensors(w io.Writer, list []Tensor) error {
	var f safetensors.File
	for _, t := range list {
		shape := make([]uint64, len(t.Shape))
		for i, d := range t.Shape {
			shape[i] = uint64(d)
		}
		data := make([]byte, 4*len(t.Data))
		for i, v := range t.Data {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: t.Name, DType: safetensors.F32, Shape: shape, Data: data})
	}
	if err := f.Serialize(w); err != nil {
		return fmt.Errorf("gfn: writing tensors: %w", err)
	}
	return nil
}

// ReadTensors reads what WriteTensors wrote. A file that is cut short or holds something else is an error.
func ReadTensors(r io.Reader) ([]Tensor, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("gfn: reading tensors: %w", err)
	}
	f, err := safetensors.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("gfn: reading tensors: %w", err)
	}
	var out []Tensor
	for _, s := range f.Tensors {
		if s.DType != safetensors.F32 {
			return nil, fmt.Errorf("gfn: tensor %q is %s, want F32", s.Name, s.DType)
		}
		t := Tensor{Name: s.Name, Data: make([]float32, len(s.Data)/4)}
		for _, d := range s.Shape {
			t.Shape = append(t.Shape, int(d))
		}
		for i := range t.Data {
			t.Data[i] = math.Float32frombits(binary.LittleEndian.Uint32(s.Data[4*i:]))
		}
		out = append(out, t)
	}
	return out, nil
}
