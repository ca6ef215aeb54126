package gfn_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is how long a policy lives and who may ask it meanwhile.

// Readers beside a trainer see the parameters before an iteration or after it, never between: under the race detector nothing is
// reported, and every hash read is one of those the training passed through.
func TestPolicyIsReadWhileItTrains(t *testing.T) {
	tr, err := gfn.New(small(balance.TB{}, gfn.Learned))
	require.NoError(t, err)
	defer tr.Close()
	p, known := tr.Policy(), map[string]bool{tr.Policy().Hash(): true}
	var readers sync.WaitGroup
	seen := make([][]string, 2)
	for i := range seen {
		readers.Go(func() {
			for range 20 {
				seen[i] = append(seen[i], p.Hash())
				if err := p.Save(io.Discard); err != nil {
					t.Error(err)
				}
				if _, err := p.Sample(8, 1); err != nil {
					t.Error(err)
				}
				if _, err := p.LogZ(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 40 {
		_, err := tr.Step()
		require.NoError(t, err)
		known[p.Hash()] = true
	}
	readers.Wait()
	for _, list := range seen {
		for _, h := range list {
			require.True(t, known[h], "a hash that no iteration ended with")
		}
	}
}

// What is known without the networks is known after Close; the rest is refused, and not by growing again what was given back.
func TestClosedPolicies(t *testing.T) {
	job := towers(world.Each(tower{}))
	trained, err := gfn.Train(context.Background(), job)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, trained.Save(&file))
	loaded, err := gfn.Load(&file, job)
	require.NoError(t, err)
	tr, err := gfn.New(job)
	require.NoError(t, err)
	hash := trained.Hash()
	for name, c := range map[string]struct {
		p     *gfn.Policy
		close func()
	}{"trained": {trained, trained.Close}, "loaded": {loaded, loaded.Close}, "trainer's": {tr.Policy(), tr.Close}} {
		_, err := c.p.Sample(3, 1)
		require.NoError(t, err, name)
		before := c.p.Hash()
		c.close()
		c.close()
		require.Equal(t, before, c.p.Hash(), name)
		require.Equal(t, job.Seed, c.p.Job().Seed)
		_, err = c.p.Sample(3, 1)
		require.ErrorIs(t, err, gfn.ErrClosed, name)
		_, _, err = c.p.ELBO(3, 1)
		require.ErrorIs(t, err, gfn.ErrClosed, name)
		_, _, err = c.p.EUBO(3, 1)
		require.ErrorIs(t, err, gfn.ErrClosed, name)
		_, err = c.p.LogZ()
		require.ErrorIs(t, err, gfn.ErrClosed, name)
		_, err = c.p.Exact()
		require.ErrorIs(t, err, gfn.ErrClosed, name)
	}
	require.Equal(t, hash, loaded.Hash())
	_, err = tr.Step()
	require.ErrorIs(t, err, gfn.ErrClosed)
	require.Len(t, tr.State().Params, len(loaded.Tensors()))
}
