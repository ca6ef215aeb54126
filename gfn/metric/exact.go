package metric

import (
	"errors"
	"fmt"
	"math"

	"github.com/sluice-ml/sluice/f32"
	"github.com/sluice-ml/sluice/gfn/world"
)

// This file is the exact comparison of a policy with its target.

// Exact is the distance between the law p_T a policy ends by and its target R/Z, and between log Z and what was learned for it.
type Exact struct {
	TV                 float64 // total variation, ½ Σ|p_T - R/Z|, in [0, 1]
	L1                 float64 // Σ|p_T - R/Z| = 2 TV; older code divides this by the number of states
	KLNats             float64 // KL(R/Z || p_T); +Inf where p_T is 0 and R is not
	LogZ               float64 // what was learned for log Z, or estimated; NaN if nothing was
	LogZTrue           float64 // log Σ R
	LogZError          float64 // LogZ - LogZTrue
	ExpectedReward     float64 // Σ p_T·R; +Inf when R is more than a float64
	ExpectedRewardTrue float64 // Σ R²/Z
	States             int     // of the world; those that trajectories end in are among them

	Learned, True []float64    // p_T and R/Z by state index, 0 where no trajectory ends
	Space         *world.Space // the states
}

const badLength = "metric: one value a state is needed"

// ErrNoReward is a target without mass.
var ErrNoReward = errors.New("metric: the reward of every state is 0, so there is no target")

// Judge compares logLearned, the result of Terminal, with the target exp(logR)/Z. All are by state index; entries of logR where
// no trajectory ends are not read. logZ is what was learned for log Z, NaN if nothing was.
//
// It says everything about the policy's law and nothing about why it is wrong. TV weighs mass: a policy that misses one mode of
// many has a small TV and a large KL. ExpectedReward can exceed the true one: a policy that only visits the best mode has the
// best reward and a bad TV.
func Judge[F float32 | float64](space *world.Space, logLearned []float64, logR []F, logZ float64) (*Exact, error) {
	n := space.N
	if len(logLearned) != n || len(logR) != n {
		panic(badLength)
	}
	target := func(i int) float64 {
		if space.Ends(i) {
			return float64(logR[i])
		}
		return math.Inf(-1)
	}
	for i := range n {
		if v := target(i); math.IsNaN(v) || math.IsInf(v, 1) {
			return nil, fmt.Errorf("metric: log R of state %v is %v", space.State(i), v)
		}
	}
	logZTrue := logSum(n, target)
	if math.IsInf(logZTrue, -1) {
		return nil, ErrNoReward
	}
	e := &Exact{LogZ: logZ, LogZTrue: logZTrue, LogZError: logZ - logZTrue, States: n,
		Learned: make([]float64, n), True: make([]float64, n), Space: space}
	var l1 f32.Sum[float64]
	for i := range n {
		logQ := target(i) - logZTrue
		p, q := math.Exp(logLearned[i]), math.Exp(logQ)
		e.Learned[i], e.True[i] = p, q
		l1.Add(math.Abs(p - q))
		if q > 0 { // 0 log 0 is 0
			e.KLNats += q * (logQ - logLearned[i])
		}
		if r := math.Exp(target(i)); r > 0 { // 0·Inf is no reward
			e.ExpectedReward += p * r
			e.ExpectedRewardTrue += q * r
		}
	}
	e.L1 = l1.Value()
	e.TV = e.L1 / 2
	e.KLNats = max(e.KLNats, 0) // rounding may leave -1e-16 where the laws are equal
	return e, nil
}
