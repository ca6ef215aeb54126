package run

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
)

// TestFullFileSystem trains on a file system that is really too small: the run fails, names a file, and its last checkpoint is whole.
// When there is room again it goes on to the same bits. TestFullDisk is the same without a mount.
func TestFullFileSystem(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("sluice", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("no small file system can be mounted here: ", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	c := tiny("policy.hidden=[64]", "checkpoint.keep=99")
	_, want := train(t, c)
	dir := filepath.Join(disk, "run")
	l, err := startOrGoOn(dir, c)
	require.NoError(t, err)
	_, err = l.Run(t.Context())
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, disk)
	require.NoError(t, l.Dir.Close())
	r, err := ReadCheckpoint(dir, c, "")
	require.NoError(t, err)
	require.Positive(t, r.State.Iteration)
	_, err = Judge(dir, cpu.New(cpu.Config{}))
	require.NoError(t, err)

	require.NoError(t, syscall.Mount("sluice", disk, "tmpfs", syscall.MS_REMOUNT, "size=8m"))
	e, err := goOn(t, dir, "")
	require.NoError(t, err)
	require.Equal(t, want.ParamsHash, e.ParamsHash)
}
