package run

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-ml/sluice/gfn"
)

// This file reads checkpoints, and says precisely what is wrong with one that cannot be used.

// CheckpointError is a checkpoint that cannot be used.
type CheckpointError struct {
	File   string // the file to blame
	Reason string
	Intact string // an older checkpoint that can; "" if there is none
	Dir    string // the run directory
}

func (e *CheckpointError) Error() string {
	s := fmt.Sprintf("run: %s: %s", e.File, e.Reason)
	if e.Intact != "" {
		s += fmt.Sprintf("; %s is intact, to go on from it: sluice resume %s --from %s", e.Intact, e.Dir, e.Intact)
	}
	return s
}

// Restored is a checkpoint in memory.
type Restored struct {
	State      gfn.State
	ParamsHash string
}

// errNone is a run that was killed before its first checkpoint.
var errNone = errors.New("run: no checkpoint yet")

func (d *Dir) latest() (string, error) { return latest(d.Path) }

func latest(path string) (string, error) {
	text, err := os.ReadFile(filepath.Join(path, latestName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNone
	} else if err != nil {
		return "", fmt.Errorf("run: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if iterationOf(name) < 0 {
		return "", &CheckpointError{File: filepath.Join(path, latestName), Dir: path, Intact: intact(path, -1),
			Reason: fmt.Sprintf("names no checkpoint (%.40q)", name)}
	}
	return name, nil
}

// ReadCheckpoint is the newest checkpoint of a run directory, or the one named by from, checked bit by bit. A run that has none yet
// is (nil, nil). The directory may be in use: a checkpoint that is pruned while it is read is looked up again.
func ReadCheckpoint(path string, c Config, from string) (*Restored, error) {
	for attempt := 0; ; attempt++ {
		name := from
		if from == "" {
			var err error
			if name, err = latest(path); errors.Is(err, errNone) {
				return nil, nil
			} else if err != nil {
				return nil, err
			}
		} else if iterationOf(name) < 0 {
			return nil, fmt.Errorf("run: %q names no checkpoint, want something like %q", from, stepName(1000))
		}
		r, err := readCheckpoint(path, name, c)
		if err == nil {
			return r, nil
		}
		if now, _ := latest(path); errors.Is(err, fs.ErrNotExist) && from == "" && now != name && attempt < 10 {
			continue
		}
		file, ok := errors.AsType[*badFile](err)
		if !ok {
			return nil, err
		}
		e := &CheckpointError{File: filepath.Join(path, checkpointsName, name, file.name), Reason: file.reason, Dir: path}
		if !file.settled {
			e.Intact = intact(path, iterationOf(name))
		}
		return nil, e
	}
}

// badFile is what is wrong with one file of a checkpoint.
type badFile struct {
	name, reason string
	settled      bool // an older checkpoint would not help
	cause        error
}

func (e *badFile) Error() string { return e.name + " " + e.reason }

func (e *badFile) Unwrap() error { return e.cause }

func readCheckpoint(path, name string, c Config) (*Restored, error) {
	r, state, err := readFiles(filepath.Join(path, checkpointsName, name))
	if err != nil {
		return nil, err
	}
	if state.Iteration != iterationOf(name) {
		return nil, &badFile{name: stateName, reason: fmt.Sprintf("is of iteration %d, its directory is %s", state.Iteration, name)}
	}
	if diff := differences(state.Config, c.identity()); len(diff) > 0 {
		return nil, &badFile{name: stateName, settled: true, reason: "was made with another config: " + strings.Join(diff, ", ")}
	}
	return r, nil
}

// readFiles reads a checkpoint and holds it against its own check sums.
func readFiles(dir string) (*Restored, stateFile, error) {
	text, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		return nil, stateFile{}, missing(stateName, err)
	}
	state, err := readState(text)
	if err != nil {
		return nil, state, &badFile{name: stateName, reason: err.Error()}
	}
	r := &Restored{ParamsHash: state.ParamsHash, State: gfn.State{Iteration: state.Iteration, Trajectories: state.Trajectories,
		Transitions: state.Transitions, Optim: state.Optim}}
	for _, f := range []struct {
		name string
		list *[]gfn.Tensor
	}{{modelName, &r.State.Params}, {optimName, &r.State.Moments}} {
		mark, ok := state.Files[f.name]
		if !ok {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.name))
		if err != nil {
			return nil, state, missing(f.name, err)
		}
		if *f.list, err = readTensors(raw, mark); err != nil {
			return nil, state, &badFile{name: f.name, reason: err.Error()}
		}
	}
	return r, state, nil
}

func readTensors(raw []byte, mark fileMark) ([]gfn.Tensor, error) {
	if n := int64(len(raw)); n < mark.Bytes {
		return nil, fmt.Errorf("is truncated: %d bytes of %d", n, mark.Bytes)
	} else if n > mark.Bytes {
		return nil, fmt.Errorf("is damaged: %d bytes, should be %d", n, mark.Bytes)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != mark.SHA256 {
		return nil, errors.New("is damaged: its check sum does not match")
	}
	list, err := gfn.ReadTensors(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	return list, nil
}

func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &badFile{name: name, reason: "is missing", cause: err}
	}
	return &badFile{name: name, reason: err.Error(), cause: err}
}

// intact is the newest checkpoint that can be read whole and is not of iteration not; "" if there is none.
func intact(path string, not int) string {
	all, err := steps(path)
	if err != nil {
		return ""
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] == not {
			continue
		}
		if _, _, err := readFiles(filepath.Join(path, checkpointsName, stepName(all[i]))); err == nil {
			return stepName(all[i])
		}
	}
	return ""
}
