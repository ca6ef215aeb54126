package run

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// This file writes checkpoints and prunes old ones. restore.go reads them.

// checkpointFormat is raised when older programs could not read what this one writes.
const checkpointFormat = 1

const (
	modelName = "model.safetensors"
	optimName = "optim.safetensors"
	stateName = "state.json"
)

// stateFile is state.json: everything of a gfn.State that is no tensor, what belongs to it, and what proves it whole.
type stateFile struct {
	Format       int                 `json:"format"`
	Iteration    int                 `json:"iteration"`
	Trajectories int64               `json:"trajectories"`
	Transitions  int64               `json:"transitions"`
	Optim        optim.State         `json:"optim"`
	ParamsHash   string              `json:"params_hash"`
	Config       map[string]string   `json:"config"` // settings that decide the bits; see Config.identity
	Files        map[string]fileMark `json:"files"`
	SHA256       string              `json:"sha256"` // of this object with an empty sha256
}

// fileMark tells a truncated file from a changed one.
type fileMark struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Save writes a checkpoint and points latest to it; then, and only then, old ones go. Writing the same iteration again is no work.
// On an error the checkpoints before it are as they were.
func (d *Dir) Save(c Config, s gfn.State, paramsHash string) error {
	name := stepName(s.Iteration)
	if latest, err := d.latest(); err == nil && latest == name {
		return nil
	}
	root := d.file(checkpointsName)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	temp, err := os.MkdirTemp(root, tempPrefix+name+"-*")
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	defer os.RemoveAll(temp) // it is gone by then unless something failed
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := writeCheckpoint(temp, c, s, paramsHash); err != nil {
		// The temporary name means nothing to anybody.
		return fmt.Errorf("run: checkpoint %s: %w", name, rename(err, temp, filepath.Join(root, name)))
	}
	// A directory of this name is not the latest one: it was left by a crash before latest was written, or by a run that went back to
	// an older checkpoint.
	if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := os.Rename(temp, filepath.Join(root, name)); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := syncDir(root); err != nil {
		return err
	}
	if err := d.point(name); err != nil {
		return err
	}
	return d.prune(c.Checkpoint.Keep, s.Iteration)
}

func (d *Dir) point(name string) error { return writeText(d.file(latestName), name+"\n") }

// pathError puts one path in the place of another in the text of an error.
type pathError struct {
	error
	old, new string
}

func rename(err error, old, new string) error { return &pathError{err, old, new} }

func (e *pathError) Error() string { return strings.ReplaceAll(e.error.Error(), e.old, e.new) }

func (e *pathError) Unwrap() error { return e.error }

func writeCheckpoint(dir string, c Config, s gfn.State, paramsHash string) error {
	state := stateFile{Format: checkpointFormat, Iteration: s.Iteration, Trajectories: s.Trajectories, Transitions: s.Transitions,
		Optim: s.Optim, ParamsHash: paramsHash, Config: c.identity(), Files: map[string]fileMark{}}
	for _, f := range []struct {
		name string
		list []gfn.Tensor
	}{{modelName, s.Params}, {optimName, s.Moments}} {
		if len(f.list) == 0 {
			continue // an optimiser without moments; safetensors has no empty file
		}
		hash := sha256.New()
		var size countingWriter
		err := createFile(filepath.Join(dir, f.name), func(w io.Writer) error {
			return gfn.WriteTensors(io.MultiWriter(w, hash, &size), f.list)
		})
		if err != nil {
			return err
		}
		state.Files[f.name] = fileMark{Bytes: int64(size), SHA256: hex.EncodeToString(hash.Sum(nil))}
	}
	text, err := state.seal()
	if err != nil {
		return err
	}
	err = createFile(filepath.Join(dir, stateName), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	return syncDir(dir)
}

type countingWriter int64

func (n *countingWriter) Write(p []byte) (int, error) {
	*n += countingWriter(len(p))
	return len(p), nil
}

// seal is the file's text with its own check sum inside.
func (s stateFile) seal() ([]byte, error) {
	sum, err := s.sum()
	if err != nil {
		return nil, err
	}
	s.SHA256 = sum
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

func (s stateFile) sum() (string, error) {
	s.SHA256 = ""
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("run: %s: %w", stateName, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// readState is what seal wrote, or what is wrong with the text.
func readState(text []byte) (stateFile, error) {
	var s stateFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s, errors.New("is truncated")
	} else if err != nil {
		return s, fmt.Errorf("is damaged: %w", err)
	}
	if s.Format != checkpointFormat {
		return s, fmt.Errorf("has format %d, this program reads %d", s.Format, checkpointFormat)
	}
	if sum, err := s.sum(); err != nil || sum != s.SHA256 {
		return s, errors.New("is damaged: its check sum does not match")
	}
	if s.Iteration < 0 || s.Trajectories < 0 || s.Transitions < 0 {
		return s, fmt.Errorf("is damaged: it is of iteration %d", s.Iteration)
	}
	return s, nil
}

var stepPattern = regexp.MustCompile(`^step-(\d{8,10})$`)

func stepName(iteration int) string { return fmt.Sprintf("step-%08d", iteration) }

// iterationOf is a checkpoint's iteration by its directory's name, -1 if it is none.
func iterationOf(name string) int {
	m := stepPattern.FindStringSubmatch(name)
	if m == nil {
		return -1
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return -1
	}
	return n
}

// steps are the iterations of the checkpoints on disk, ascending.
func steps(path string) ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(path, checkpointsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	var out []int
	for _, e := range entries {
		if n := iterationOf(e.Name()); n >= 0 && e.IsDir() {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// prune removes all but the newest keep checkpoints up to the current one. Later ones, which a run that went back has left, are
// replaced when it comes by.
func (d *Dir) prune(keep, current int) error {
	all, err := steps(d.Path)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(n int) bool { return n > current })
	for _, n := range all[:max(0, len(all)-keep)] {
		if err := os.RemoveAll(filepath.Join(d.file(checkpointsName), stepName(n))); err != nil {
			return fmt.Errorf("run: %w", err)
		}
	}
	return nil
}
