package gfn_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu"
	"github.com/sluice-ml/sluice/gfn"
	"github.com/sluice-ml/sluice/gfn/balance"
	"github.com/sluice-ml/sluice/gfn/reward"
	"github.com/sluice-ml/sluice/gfn/world"
	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/nn"
	"github.com/sluice-ml/sluice/nn/optim"
)

// Bad input is refused with the name of the thing and the place.
func TestRefusedJobs(t *testing.T) {
	for want, spoil := range map[string]func(*gfn.Job){
		"gfn: the job has no Device":                  func(j *gfn.Job) { j.Device = nil },
		"gfn: the job has no LogReward":               func(j *gfn.Job) { j.LogReward = nil },
		"gfn: the job has no Balance":                 func(j *gfn.Job) { j.Balance = nil },
		"world: no world":                             func(j *gfn.Job) { j.World = nil },
		"gfn: Batch is -3":                            func(j *gfn.Job) { j.Batch = -3 },
		"gfn: Iterations is -1":                       func(j *gfn.Job) { j.Iterations = -1 },
		"gfn: Explore goes from 2 to 2":               func(j *gfn.Job) { j.Explore = optim.Constant(2) },
		"gfn: Net: nn: MLP.Hidden[1] is 0":            func(j *gfn.Job) { j.Net = nn.MLP{Hidden: []int{4, 0}} },
		"gfn: Backward is 7":                          func(j *gfn.Job) { j.Backward = 7 },
		"cpu: Chunk is 9999, must be 1..256":          func(j *gfn.Job) { j.Device = cpu.New(cpu.Config{Chunk: 9999}) },
		"cpu: Workers is -2, must not be negative":    func(j *gfn.Job) { j.Device = cpu.New(cpu.Config{Workers: -2}) },
		"hypergrid of 2 dimensions and side -1: ":     func(j *gfn.Job) { j.World = world.Hypergrid(2, -1) },
		"optim: rate of group \"policy\" goes from -": func(j *gfn.Job) { j.Optim = optim.Adam{Rates: map[string]optim.Schedule{"policy": optim.Constant(-1)}} },
		"gfn: Optim has a rate for group \"polciy\", the job's groups are \"policy\", \"log_z\"": func(j *gfn.Job) {
			j.Optim = optim.Adam{Rates: map[string]optim.Schedule{"polciy": optim.Constant(1)}}
		},
		"gfn: Optim has a rate for group \"logz\"": func(j *gfn.Job) {
			j.Optim = optim.SGD{Rates: map[string]optim.Schedule{"logz": optim.Constant(1), "policy": optim.Constant(1)}}
		},
		"): does Needs ask for it?":                                   func(j *gfn.Job) { j.Balance = forgetful{} },
		"gfn: Batch is 1, must be at least 2 for the balance vargrad": func(j *gfn.Job) { j.Balance, j.Batch = balance.VarGrad{}, 1 },
	} {
		j := grid8(1, balance.TB{}, gfn.Uniform)
		spoil(&j)
		_, err := gfn.Train(context.Background(), j)
		require.ErrorContains(t, err, want)
	}
}

// forgetful is trajectory balance that does not ask for the log Z it reads.
type forgetful struct{ balance.TB }

func (forgetful) Needs() balance.Needs { return balance.Needs{} }

// A rate for log Z is no mistake where the balance learns none, so that one optimiser serves every balance; a batch of two is
// enough for VarGrad, and of one for the others.
func TestWhatIsNotRefused(t *testing.T) {
	for _, b := range []balance.Balance{balance.TB{}, balance.DB{}, balance.VarGrad{}} {
		j := grid8(1, b, gfn.Uniform)
		j.Batch = balance.MinBatch(b)
		tr, err := gfn.New(j)
		require.NoError(t, err)
		_, err = tr.Step()
		require.NoError(t, err)
	}
	tr, err := gfn.New(grid8(1, balance.VarGrad{}, gfn.Uniform))
	require.NoError(t, err)
	_, err = tr.StepOn([][]int32{{0, 2}})
	require.EqualError(t, err, "gfn: iteration 0: 1 trajectories given, must be at least 2 for the balance vargrad")
}

// rewards answers with what a test wants.
type rewards func(dst []float32, s []int32, ints int) ([]float32, error)

func (f rewards) LogReward(dst []float32, s []int32, ints int) ([]float32, error) {
	return f(dst, s, ints)
}

func TestRefusedRewards(t *testing.T) {
	nan := float32(math.NaN())
	for want, f := range map[string]any{
		"iteration 0: reward: log R of ": reward.Each(func(s []int32) float32 { return nan }),
		"iteration 0: reward: ":          rewards(func(dst []float32, s []int32, ints int) ([]float32, error) { return make([]float32, 3), nil }),
		"out of order":                   rewards(func(dst []float32, s []int32, ints int) ([]float32, error) { return nil, errors.New("out of order") }),
	} {
		j := grid8(1, balance.TB{}, gfn.Uniform)
		j.LogReward = f.(reward.Reward)
		p, err := gfn.Train(context.Background(), j)
		require.ErrorContains(t, err, want)
		require.NotNil(t, p, "the policy so far is not lost")
	}
	j := grid8(1, balance.TB{}, gfn.Uniform)
	j.LogReward = reward.Each(func(s []int32) float32 {
		if s[0] == 1 && s[1] == 0 {
			return nan
		}
		return 0
	})
	_, err := gfn.Train(context.Background(), j)
	require.ErrorContains(t, err, "(1,0)", "the object is named")
}

// trapped forbids everything after the second block.
type trapped struct{ tower }

func (trapped) Forward(s []int32, m world.Mask) {
	if s[1] != 0 {
		m.Deny(3) // the stop action
		return
	}
	m.All()
	m.Deny(3)
}

func TestTrapNamesTheState(t *testing.T) {
	j := towers(world.Each(trapped{}))
	_, err := gfn.Train(context.Background(), j)
	require.ErrorIs(t, err, world.ErrNoAction)
	require.ErrorContains(t, err, "iteration 0: trajectory 0, step 2: world: every action is masked in state (")
}

// A loss that is not finite stops the run before anything is updated, and says where.
func TestDivergence(t *testing.T) {
	j := grid8(1, balance.TB{}, gfn.Uniform)
	j.LogReward = reward.Each(func(s []int32) float32 {
		if s[0] == 2 {
			return float32(math.Inf(-1)) // R = 0: log R is -Inf, which TB cannot meet
		}
		return 0
	})
	tr, err := gfn.New(j)
	require.NoError(t, err)
	var d *gfn.DivergedError
	before := ""
	for range 50 {
		before = tr.Policy().Hash()
		if _, err = tr.Step(); err != nil {
			break
		}
	}
	require.ErrorAs(t, err, &d)
	require.Equal(t, "loss", d.What)
	require.Contains(t, d.State, "(2,")
	require.ErrorContains(t, err, "R is 0 there")
	require.Equal(t, before, tr.Policy().Hash())
	require.ErrorContains(t, err, "to replay it, train with seed 1 and stop before iteration")

	// A parameter that is not finite shows in the gradient or the loss, with its layer or trajectory.
	tr, err = gfn.New(grid8(1, balance.TB{}, gfn.Uniform))
	require.NoError(t, err)
	s := tr.State()
	s.Params[0].Data[0] = float32(math.Inf(1))
	require.NoError(t, tr.Restore(s))
	_, err = tr.Step()
	require.ErrorAs(t, err, &d)
}

func TestRestoreRefuses(t *testing.T) {
	tr, err := gfn.New(grid8(1, balance.TB{}, gfn.Uniform))
	require.NoError(t, err)
	before := tr.Policy().Hash()
	for want, spoil := range map[string]func(*gfn.State){
		`no tensor "policy.torso.0.weight"`:              func(s *gfn.State) { s.Params = s.Params[1:] },
		`tensor "policy.torso.0.weight" is [1 1] in the`: func(s *gfn.State) { s.Params[0].Shape = []int{1, 1} },
		`tensor "policy.torso.0.weight" has 3 numbers`:   func(s *gfn.State) { s.Params[0].Data = make([]float32, 3) },
		`no tensor "m.policy.torso.0.weight"`:            func(s *gfn.State) { s.Moments = nil },
		`tensor "extra" is not in this model`:            func(s *gfn.State) { s.Params = append(s.Params, gfn.Tensor{Name: "extra"}) },
		"of iteration 4, its optimiser of step 0":        func(s *gfn.State) { s.Iteration = 4 },
	} {
		s := tr.State()
		spoil(&s)
		require.ErrorContains(t, tr.Restore(s), want)
		require.Equal(t, before, tr.Policy().Hash(), "nothing has changed")
	}
}

// Given trajectories: what was drawn can be replayed to the same bits; what the world forbids is refused by place.
func TestStepOn(t *testing.T) {
	tr, err := gfn.New(grid8(1, balance.TB{}, gfn.Uniform))
	require.NoError(t, err)
	_, err = tr.StepOn([][]int32{{0, 2}, {2}, {1, 1, 1, 2}})
	require.NoError(t, err)
	var bad *graph.GivenError
	_, err = tr.StepOn([][]int32{{0, 0, 0, 0, 0, 0, 0, 0, 2}})
	require.ErrorAs(t, err, &bad)
	require.Equal(t, 7, bad.Step)
	require.EqualError(t, err, "gfn: iteration 1: given trajectory 0: action 0 at step 7 is not allowed in state (7,0)")
	_, err = tr.StepOn([][]int32{{0}})
	require.ErrorAs(t, err, &bad)
	require.EqualError(t, err, "gfn: iteration 1: given trajectory 0: the actions end at step 1, before the trajectory does, in state (1,0)")
	_, err = tr.StepOn([][]int32{{2, 0}})
	require.ErrorAs(t, err, &bad)
}

func TestCancelReturnsThePolicySoFar(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	j := grid8(1, balance.TB{}, gfn.Uniform)
	n := 0
	j.Observe = func(p gfn.Progress) {
		if n = p.Iteration; n == 5 {
			cancel()
		}
	}
	p, err := gfn.Train(ctx, j)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 5, n)
	require.NotEmpty(t, p.Hash())
}

// liar breaks one promise at a time.
type liar struct {
	tower
	undo, value      int
	endless          bool
	stray, strayBack int // actions that masks of one and of two blocks allow, and that there are not
}

func (w liar) Spec() world.Spec {
	s := w.tower.Spec()
	if w.endless {
		s.Steps = 2
	}
	return s
}

func (w liar) Step(s []int32, a int) int {
	s[top(s)] = int32(a + 1 + w.value)
	return w.undo
}

func (w liar) Forward(s []int32, m world.Mask) {
	w.tower.Forward(s, m)
	if top(s) < 4 {
		m.Deny(3)
	}
	if top(s) == 1 && w.stray > 0 {
		m.Allow(w.stray)
	}
}

func (w liar) Backward(s []int32, m world.Mask) {
	w.tower.Backward(s, m)
	if top(s) == 2 && w.strayBack > 0 {
		m.Allow(w.strayBack)
	}
}

func (liar) Text(s []int32) string { return fmt.Sprintf("<%d blocks>", top(s)) }

// devices step worlds in Go, each in its own way; the file of the simulator adds one.
var devices = []func(t *testing.T) graph.Device{onWorkers(1), onWorkers(3)}

func onWorkers(n int) func(t *testing.T) graph.Device {
	return func(t *testing.T) graph.Device {
		d := cpu.New(cpu.Config{Workers: n})
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		return d
	}
}

// A broken promise is an error with the trajectory, the step and the state, never a number from a neighbour's memory.
func TestBrokenPromises(t *testing.T) {
	for want, w := range map[string]liar{
		"the undo action of a step, here 9, is one that Backward allows": {undo: 9},
		"registers are in 0..3": {value: 7},
		"trajectory 0, step 2, state <2 blocks>: the world promised that the trajectory ends within 2 steps (Spec.Steps)": {endless: true},
		"gfn: iteration 0: trajectory 0, step 1, state <1 blocks>: the world promised that the undo action of a step":     {undo: -1},
		"step 1, state <1 blocks>: the world promised that actions are 0..3, here Forward allows 17":                      {stray: 17},
		"step 2, state <2 blocks>: the world promised that undo actions are 0..0, here Backward allows 31":                {strayBack: 31},
	} {
		for _, open := range devices {
			job := towers(world.Each(w))
			job.Device = open(t)
			_, err := gfn.Train(context.Background(), job)
			require.ErrorContains(t, err, want)
			var broken *graph.WorldError
			require.ErrorAs(t, err, &broken)
			require.Equal(t, w.endless, strings.Contains(err.Error(), "Spec.Steps"))
		}
	}
}

// fragile panics at its third block, once it is told to.
type fragile struct {
	tower
	now *atomic.Bool
}

var errFragile = errors.New("it fell over")

func (w fragile) Step(s []int32, a int) int {
	if top(s) == 2 && w.now.Load() {
		panic(errFragile)
	}
	return w.tower.Step(s, a)
}

// A world that panics does so on the caller, on whichever goroutine of the device it was stepped, and the device goes on to the same bits.
func TestWorldPanics(t *testing.T) {
	w := fragile{now: &atomic.Bool{}}
	var hashes []string
	for _, open := range devices {
		job := towers(world.Each(w))
		job.Device, job.Batch, job.Iterations = open(t), 64, 2
		w.now.Store(true)
		for range 3 {
			func() {
				defer func() {
					err, ok := recover().(error)
					require.True(t, ok)
					require.ErrorIs(t, err, errFragile)
				}()
				_, err := gfn.Train(context.Background(), job)
				require.Fail(t, "it did not panic", "%v", err)
			}()
		}
		w.now.Store(false)
		p, err := gfn.Train(context.Background(), job)
		require.NoError(t, err)
		hashes = append(hashes, p.Hash())
	}
	for _, h := range hashes {
		require.Equal(t, hashes[0], h)
	}
}

// The number of trajectories may change from one iteration to the next.
func TestStepOnOfAnyCount(t *testing.T) {
	tr, err := gfn.New(grid8(1, balance.TB{}, gfn.Uniform))
	require.NoError(t, err)
	for _, n := range []int{8, 2, 40} {
		given := make([][]int32, n)
		for i := range given {
			given[i] = []int32{0, 2}
		}
		p, err := tr.StepOn(given)
		require.NoError(t, err)
		require.Equal(t, 2., p.MeanLength)
		_, err = tr.Step()
		require.NoError(t, err)
	}
	_, err = tr.StepOn(nil)
	require.ErrorContains(t, err, "no trajectories given")
}
