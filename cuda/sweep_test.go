package cuda

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cuda/driver"
	"github.com/sluice-ml/sluice/cuda/kernel"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file lets every call of the driver fail, one a run.

// session is what a trainer does with a device, and more: batches drawn and given, of growing size, their gradients and outputs, states
// evaluated. It goes on with the next batch after an error, and returns them all.
func session(drv driver.Driver, cfg Config, plan *graph.Plan) (err error) {
	dev, err := New(drv, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	p, err := dev.Compile(plan)
	if err != nil {
		return err
	}
	var errs []error
	keep := func(err error) bool { errs = append(errs, err); return err == nil }
	n := plan.Params.Len()
	var buffers [3]graph.Buffer
	for i, size := range []int{n, n, 2 * n} {
		if buffers[i], err = dev.Alloc(size); !keep(err) {
			return err
		}
	}
	params, grads, moments := buffers[0], buffers[1], buffers[2]
	x := make([]float64, n)
	params.Write(x, 0)
	rates := graph.Scalars{C1: 1, C2: 1}
	for range plan.Params.Groups() {
		rates.Rates, rates.Keep = append(rates.Rates, 0), append(rates.Keep, 1)
	}
	for _, src := range []graph.Source{{Key: rng.NewKey(1), Count: 5, Lanes: 2}, {Key: rng.NewKey(2), Count: 5, Lanes: 2}, {Count: 5, Lanes: 2, Iteration: 2},
		{Count: 9, Lanes: 2}, {Count: 9, Lanes: 2, Given: make([][]int32, 9)}, {Count: 4, Lanes: 2, Given: [][]int32{{}, {}, {}, {}}}} {
		b, err := p.Rollout(params, src, nil)
		if !keep(err) {
			continue
		}
		for i := range b.Count {
			p.Actions(nil, i)
		}
		if src.Iteration == 0 {
			p.Reward(make([]float32, b.Count))
		}
		keep(p.Close(params))
		for _, o := range plan.Outputs {
			p.Read(make([]float64, src.Count), o.Ref)
		}
		keep(p.Backward(params, grads))
		grads.Read(x, 0)
		keep(p.Update(params, grads, moments, graph.Rule{Kind: graph.Adam, Beta1: .9, Beta2: .999, Eps: 1e-8}, rates))
		_, err = p.Outcome(params, 0)
		keep(err)
	}
	dst := make([][]float64, len(plan.Heads))
	for i, h := range plan.Heads {
		dst[i] = make([]float64, 30*h.Ref.Cols)
	}
	keep(p.Eval(params, make([]int32, 30*plan.World.Ints), dst))
	p.Free()
	_, err = dev.Alloc(1)
	keep(err)
	return errors.Join(errs...)
}

func TestEveryCallMayFail(t *testing.T) {
	plan := withScore(smallest(t, tinyGrid, false), tabled(tinyGrid))
	for i, cfg := range []Config{{Chunk: 24}, {Chunk: 24, Memory: 1}, {Chunk: 24, Mode: Fast}} {
		whole := &brittle{lanes: 2}
		require.NoError(t, session(whole, cfg, plan))
		require.Greater(t, len(whole.calls), 200)
		for n := 1; n <= len(whole.calls); n += 1 + 6*i { // the other two differ in few
			drv := &brittle{lanes: 2, at: n, err: &driver.Error{Code: driver.LaunchFailed, Name: "CUDA_ERROR_LAUNCH_FAILED", Call: whole.calls[n-1]}}
			err := session(drv, cfg, plan)
			require.True(t, drv.failed, "call %d", n)
			require.ErrorIs(t, err, error(drv.err), "call %d, %s", n, whole.calls[n-1])
			if whole.calls[n-1] == "AllocHost" {
				continue // host memory may be short for one batch and not for the next
			}
			for _, call := range drv.calls[n:] {
				require.NotContains(t, []string{"Launch", "Replay", "ToDevice", "ToHost", "Copy", "Fill32", "Gemm", "Sync", "BeginCapture"}, call, "call %d, %s: no work after it", n, whole.calls[n-1])
			}
		}
	}
}

// Memory that is short at any allocation is said to be, and the device has not failed: the same work is done once there is some.
func TestEveryAllocationMayFail(t *testing.T) {
	plan := withScore(smallest(t, tinyGrid, false), tabled(tinyGrid))
	whole := &brittle{lanes: 2, only: "Alloc"}
	require.NoError(t, session(whole, Config{Chunk: 24}, plan))
	for n := 1; n <= len(whole.calls); n++ {
		drv := &brittle{lanes: 2, only: "Alloc", at: n, err: &driver.Error{Code: driver.OutOfMemory, Name: "CUDA_ERROR_OUT_OF_MEMORY", Call: "cuMemAlloc"}}
		err := session(drv, Config{Chunk: 24}, plan)
		if err != nil { // where Saved values could be dropped, there is none
			require.ErrorIs(t, err, driver.ErrOutOfMemory, "allocation %d", n)
			require.NotContains(t, err.Error(), "refuses work", "allocation %d", n)
		}
	}
}

// Where memory is short twice, or the driver cannot say how much there is, the batch's error says that too.
func TestShortTwice(t *testing.T) {
	plan := smallest(t, tinyGrid, false)
	for _, c := range []struct{ call, text string }{{"MemInfo", "how much there is"}, {"Alloc", "no room for what a plan needs"}} {
		drv := &brittle{lanes: 2}
		dev, err := New(drv, Config{Chunk: 24})
		require.NoError(t, err)
		p, err := dev.Compile(plan)
		require.NoError(t, err)
		params, err := dev.Alloc(plan.Params.Len())
		require.NoError(t, err)
		ctx := dev.(*device).o.ctx.(*brittleContext)
		dev.(*device).o.ctx = &shortContext{ctx, c.call, 0}
		_, err = p.Rollout(params, graph.Source{Count: 5, Lanes: 2}, nil)
		var e *MemoryError
		require.ErrorAs(t, err, &e)
		require.Equal(t, []int{5, 0}, []int{e.Batch, e.Fits})
		require.ErrorContains(t, err, "; no batch fits: ")
		require.ErrorContains(t, err, c.text)
		require.NoError(t, dev.Close())
	}
}

// shortContext has no memory for a batch, with Saved values or without, then none for anything, or it cannot say how much.
type shortContext struct {
	*brittleContext
	call   string
	failed int
}

func (c *shortContext) Alloc(n int64) (driver.Ptr, error) {
	text := "no room for a batch"
	if c.failed++; c.failed > 2 {
		if c.call != "Alloc" {
			return c.brittleContext.Alloc(n)
		}
		text = "no room for what a plan needs"
	}
	return 0, &driver.Error{Code: driver.OutOfMemory, Name: "CUDA_ERROR_OUT_OF_MEMORY", Call: text}
}

func (c *shortContext) MemInfo() (free, total int64, err error) {
	return 0, 0, &driver.Error{Code: driver.InvalidContext, Name: "CUDA_ERROR_INVALID_CONTEXT", Call: "how much there is"}
}

func TestMemoryErrorSays(t *testing.T) {
	e := &MemoryError{Batch: 7, Bytes: 3 << 30, Free: 5 << 20, Fits: 2, Err: driver.ErrOutOfMemory}
	require.EqualError(t, e, "cuda: a batch of 7 trajectories needs 3.0 GiB of device memory, 5.0 MiB are free; a batch of 2 fits: "+driver.ErrOutOfMemory.Error())
	e.Free, e.Fits = 12, 0
	require.EqualError(t, e, "cuda: a batch of 7 trajectories needs 3.0 GiB of device memory, 12 bytes are free; no batch fits: "+driver.ErrOutOfMemory.Error())
}

// What a caller gets wrong is an error that names it, or a panic where the contract says that it cannot be.
func TestWhatCallersGetWrong(t *testing.T) {
	for _, cfg := range []Config{{Memory: -1}, {Chunk: -1}} {
		_, err := New(&brittle{}, cfg)
		require.ErrorContains(t, err, "is -1")
		require.ErrorContains(t, err, "must not be negative")
	}
	dev := open(t, &brittle{lanes: 2}, Config{})
	require.Equal(t, "cuda/sm_90", dev.Name())
	plan := smallest(t, tinyGrid, false)
	p, err := dev.Compile(plan)
	require.NoError(t, err)
	params, err := dev.Alloc(plan.Params.Len())
	require.NoError(t, err)
	for text, src := range map[string]graph.Source{
		"a batch of 0 trajectories in 1 lanes":  {},
		"a batch of 3 trajectories in 4 lanes":  {Count: 3, Lanes: 4},
		"a batch of 3 trajectories in -1 lanes": {Count: 3, Lanes: -1},
		"2 given trajectories in a batch of 3":  {Count: 3, Given: make([][]int32, 2)},
		"are more than a 32-bit number counts":  {Count: math.MaxInt32 / 8, Lanes: 1},
	} {
		_, err := p.Rollout(params, src, nil)
		require.ErrorContains(t, err, text)
	}
	coded, err := dev.Compile(smallest(t, tinyGrid, true))
	require.NoError(t, err)
	_, err = coded.Rollout(params, graph.Source{Count: 3}, nil)
	require.ErrorIs(t, err, errNoHost)
	_, err = p.Rollout(params, graph.Source{Count: 5, Lanes: 2}, nil)
	require.NoError(t, err)
	require.PanicsWithValue(t, "cuda: rewards and trajectories differ in number", func() { p.Reward(make([]float32, 4)) })
	require.PanicsWithValue(t, "cuda: a range outside the buffer", func() { params.Read(make([]float64, 2), params.Len()-1) })
	require.PanicsWithValue(t, "cuda: a range outside the buffer", func() { params.Write(make([]float64, 1), -1) })
	require.PanicsWithValue(t, badClass, func() { p.Read(nil, graph.Ref{Class: graph.Kept}) })
	p.Reward([]float32{1, 2, 3, 4, 5})
	out := make([]float64, 5)
	p.Read(out, graph.Ref{Class: graph.TrajData})
	require.Equal(t, []float64{1, 2, 3, 4, 5}, out)
	// An operation that no kernel does is refused when the plan comes.
	other := *plan
	other.Step = append([]graph.Instr{{Op: graph.OpFirstBack + 1}}, plan.Step...)
	_, err = dev.Compile(&other)
	require.ErrorContains(t, err, "cuda: no kernel for op")
}

// What a lane reports becomes the error that package cpu has for it, with the trajectory, the step and the state.
func TestWhatLanesReport(t *testing.T) {
	plan := smallest(t, tinyGrid, false)
	state := []int32{-1, -1} // as the driver downloads it
	for fault, want := range map[int32]error{
		kernel.FaultNoAction:  &graph.NoActionError{Trajectory: 7, Step: 8, State: state},
		kernel.FaultSteps:     &graph.WorldError{Promise: fmt.Sprintf("the trajectory ends within %d steps", plan.World.Steps), Trajectory: 7, Step: 8, State: state},
		kernel.FaultGiven:     &graph.GivenError{Trajectory: 7, Step: 8, Action: 9, State: state},
		kernel.FaultGivenEnd:  &graph.GivenError{Trajectory: 7, Step: 8, Action: 9, State: state},
		kernel.FaultGivenMore: &graph.GivenError{Trajectory: 7, Step: 8, Action: 9, State: state},
		99:                    errors.New("cuda: lane 1 reports fault 99, which is none"),
	} {
		dev := open(t, &brittle{lanes: 2, fault: fault}, Config{})
		p, err := dev.Compile(plan)
		require.NoError(t, err)
		params, err := dev.Alloc(plan.Params.Len())
		require.NoError(t, err)
		_, err = p.Rollout(params, graph.Source{Count: 5, Lanes: 2}, nil)
		require.EqualError(t, err, want.Error())
		if fault != 99 {
			require.Equal(t, want, err)
		}
	}
}
