package run

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDirectoryInUse(t *testing.T) {
	d := newDir(t, tiny())
	_, _, err := Open(d.Path)
	require.EqualError(t, err, fmt.Sprintf("run: %s is in use by process %d", d.Path, os.Getpid()))
	require.IsType(t, &InUseError{}, err)
	require.NoError(t, d.Close())
	d, c, err := Open(d.Path)
	require.NoError(t, err, "and free again")
	require.Equal(t, tiny(), c)
	require.NoError(t, d.Close())
}

func TestCreate(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "a", "run")
	d, err := CreateNext(path, tiny())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	require.Equal(t, path, d.Path)
	next, err := CreateNext(path, tiny())
	require.NoError(t, err)
	require.NoError(t, next.Close())
	require.Equal(t, path+"-2", next.Path)

	_, err = Create(path, tiny())
	require.ErrorIs(t, err, ErrExists)
	require.ErrorContains(t, err, "to go on with the run in it: sluice resume "+path)
	other := filepath.Join(root, "other")
	require.NoError(t, os.MkdirAll(filepath.Join(other, "x"), 0o755))
	_, err = Create(other, tiny())
	require.EqualError(t, err, "run: the directory is not empty: "+other)
	_, _, err = Open(other)
	require.EqualError(t, err, "run: no config.toml there, so no run: "+other)

	// A run killed before it had a config left nothing worth keeping.
	early := filepath.Join(root, "early")
	require.NoError(t, os.MkdirAll(early, 0o755))
	for _, name := range []string{lockName, pidName, ".tmp-config.toml-1"} {
		require.NoError(t, os.WriteFile(filepath.Join(early, name), nil, 0o644))
	}
	d, err = Create(early, tiny())
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := Create(filepath.Join(file, "run"), tiny())
	require.ErrorContains(t, err, "run: mkdir "+file)

	if os.Geteuid() <= 0 {
		t.Skip("the rest needs a user whom permissions stop")
	}
	closed := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(closed, 0o555))
	_, err = Create(closed, tiny())
	require.ErrorIs(t, err, os.ErrPermission)
	require.ErrorContains(t, err, closed)
}
