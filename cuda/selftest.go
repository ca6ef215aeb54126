package cuda

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/sluice-ml/sluice/graph"
	"github.com/sluice-ml/sluice/rng"
)

// This file is the self-test: small Plans that between them run every kernel, and the hash of what each entry computes.

// selftestHashes are recorded from the simulator; package cpu prints the same. A change of one is a change of a definition.
//
//go:embed testdata/selftest.txt
var selftestHashes string

// Check is one entry of one Plan on a device.
type Check struct {
	Name      string // "tiles/backward"
	Got, Want string // SHA-256 of everything the entry computed
}

// Passed says that the device computed the defined bits.
func (c Check) Passed() bool { return c.Got == c.Want }

// SelfTest runs the Plans on dev, any device of float32, and compares its bits with the committed ones.
func SelfTest(dev graph.Device) ([]Check, error) {
	want := map[string]string{}
	for line := range strings.Lines(selftestHashes) {
		if f := strings.Fields(line); len(f) == 2 && f[0] != "#" {
			want[f[0]] = f[1]
		}
	}
	var out []Check
	for _, s := range selftests() {
		plan, err := s.plan()
		if err != nil {
			return nil, fmt.Errorf("cuda: self-test %s: %w", s.name, err)
		}
		hashes, err := s.run(dev, plan)
		if err != nil {
			return out, fmt.Errorf("cuda: self-test %s: %w", s.name, err)
		}
		for i, stage := range []string{"rollout", "eval", "close", "backward", "update"} {
			name := s.name + "/" + stage
			out = append(out, Check{Name: name, Got: hashes[i], Want: want[name]})
		}
	}
	return out, nil
}

// selftest is one Plan with a batch and a rule.
type selftest struct {
	name  string
	moves graph.Moves
	back  bool // log P_B is learned
	count int
	lanes int // 0: as many as the batch has
	rule  graph.Rule
	build func(s *sketch) graph.Want
}

// sketch is a Builder that names parameters by number.
type sketch struct {
	*graph.Builder
	n int
}

func (s *sketch) param(group string, spread float32, shape ...int) graph.Node {
	s.n++
	return s.Param(fmt.Sprintf("p%d", s.n), group, graph.Init{Spread: spread}, shape...)
}

func (s *sketch) layer(x graph.Node, n int) graph.Node {
	if !x.Valid() {
		return s.Gather(s.param("policy", .5, s.World().Features, n), s.param("policy", .3, n))
	}
	return s.Linear(x, s.param("policy", .25, x.Cols(), n), s.param("policy", .3, n))
}

func (s *sketch) torso(a graph.Act, widths ...int) (x graph.Node) {
	for _, w := range widths {
		x = s.Act(s.layer(x, w), a)
	}
	return x
}

func selftests() []selftest {
	adam := graph.Rule{Kind: graph.Adam, Beta1: .9, Beta2: .999, Eps: 1e-8, OneMinusBeta1: .1, OneMinusBeta2: .001, Clip: 1}
	decay, sgd := adam, graph.Rule{Kind: graph.SGD}
	decay.Decay = .1
	grid := graph.Moves{Kind: graph.Increment, Registers: 4, Values: 8, Stop: graph.StopAnywhere}
	return []selftest{
		{"tiles", grid, true, 64, 0, adam, func(s *sketch) graph.Want { // widths of whole quads, trajectory balance
			h := s.torso(graph.ReLU, 64, 128, 64)
			pf, pb := s.layer(h, s.World().Actions), s.layer(h, s.World().Back)
			sum := s.Sub(s.SumT(s.LogPF(pf)), s.SumT(s.Next(s.LogPB(pb))))
			r := s.Sub(s.Add(s.Spread(s.param("log_z", 1)), sum), s.Data(graph.LogR))
			return graph.Want{Policy: pf, Loss: s.Mean(s.Square(r)), Heads: []graph.Named{{Name: "pf", Node: pf}, {Name: "pb", Node: pb}},
				Outputs: []graph.Named{{Name: "sum", Node: sum}}}
		}},
		{"odd", graph.Moves{Kind: graph.Append, Registers: 5, Values: 4, Stop: graph.StopAnywhere}, false, 33, 0, decay, func(s *sketch) graph.Want {
			h := s.torso(graph.Tanh, 33)
			w, bias := s.param("policy", .4, 33, 33), s.param("policy", .3, 33)
			h = s.Act(s.Linear(h, w, bias), graph.Tanh)
			h = s.Act(s.Linear(h, w, bias), graph.Leaky) // two layers share their weights
			h = s.Sub(s.Mul(h, h), s.Scale(.75, s.Add(s.Square(h), h)))
			pf := s.layer(h, s.World().Actions)
			f := s.Column(s.layer(h, 1))
			d := s.Sub(s.First(f), s.SumT(s.Next(s.Square(f))))
			m := s.Mean(d)
			loss := s.Add(s.Add(s.Variance(d), m), s.DivSteps(s.Sum(s.SumT(s.LogPF(pf)))))
			return graph.Want{Policy: pf, Loss: loss, Heads: []graph.Named{{Name: "f", Node: f}}, Outputs: []graph.Named{{Name: "d", Node: d}, {Name: "m", Node: m}}}
		}},
		{"wide", graph.Moves{Kind: graph.Append, Registers: 6, Values: 101, Stop: graph.StopAnywhere}, false, 40, 0, sgd, func(s *sketch) graph.Want {
			pf := s.layer(s.torso(graph.ReLU, 36), s.World().Actions)
			c := s.Sub(s.Add(s.Data(graph.LogR), s.SumT(s.Data(graph.LogPBUniform))), s.SumT(s.LogPF(pf)))
			return graph.Want{Policy: pf, Loss: s.Variance(c), Heads: []graph.Named{{Name: "pf", Node: pf}}, Outputs: []graph.Named{{Name: "c", Node: c}}}
		}},
		{"lanes", grid, false, 32, 32, sgd, func(s *sketch) graph.Want { // so many that a gradient's large tiles keep a card busy
			h := s.torso(graph.ReLU, 128, 192)
			pf := s.layer(s.Act(s.Sub(h, s.Square(h)), graph.Leaky), s.World().Actions)
			c := s.Sub(s.Data(graph.LogR), s.SumT(s.LogPF(pf)))
			return graph.Want{Policy: pf, Loss: s.Mean(s.Square(c)), Heads: []graph.Named{{Name: "pf", Node: pf}}}
		}},
		{"crowd", graph.Moves{Kind: graph.Increment, Registers: 2, Values: 3, Stop: graph.StopAnywhere}, false, 1100, 32, sgd, func(s *sketch) graph.Want {
			pf := s.layer(s.torso(graph.Tanh, 8), s.World().Actions) // more trajectories than are drawn in small blocks
			c := s.Sub(s.Data(graph.LogR), s.SumT(s.LogPF(pf)))
			return graph.Want{Policy: pf, Loss: s.Mean(s.Square(c)), Heads: []graph.Named{{Name: "pf", Node: pf}}, Reward: tabled(*s.World().Moves)}
		}},
		{"flow", graph.Moves{Kind: graph.Increment, Registers: 3, Values: 3, Stop: graph.StopFull}, true, 50, 0, adam, func(s *sketch) graph.Want {
			h := s.torso(graph.Leaky, 20) // detailed balance, with end rows
			pf, f := s.layer(h, s.World().Actions), s.Column(s.layer(h, 1))
			pb := s.Next(s.LogPB(s.layer(h, s.World().Back)))
			r := s.Sub(s.Add(f, s.LogPF(pf)), s.Add(s.NextFlow(f, s.Data(graph.LogR)), pb))
			return graph.Want{Policy: pf, Loss: s.DivSteps(s.Sum(s.SumT(s.Square(r)))), Heads: []graph.Named{{Name: "f", Node: f}}, Reward: tabled(*s.World().Moves)}
		}},
	}
}

func (s selftest) plan() (*graph.Plan, error) {
	m := s.moves
	w := graph.Shape{Ints: m.Registers, Active: m.Registers, Features: m.Registers * m.Values, Values: m.Values,
		Actions: m.Forward(), Stop: -1, Back: m.Backward(), Steps: m.Steps(), Moves: &m}
	if m.Stop == graph.StopAnywhere {
		w.Stop = m.Forward()
		w.Actions++
	}
	w.EndRows = s.back && w.Stop < 0 && w.Back > 1
	b := &sketch{Builder: graph.NewBuilder(w)}
	want := s.build(b)
	if err := b.Err(); err != nil {
		return nil, err
	}
	return b.Lower(want)
}

// madeUp is log R of an object.
func madeUp(x []int32) (logR float32) {
	for k, v := range x {
		logR += float32((k%5+1)*int(v)%7-2) / 8
	}
	return logR
}

// tabled is madeUp as data.
func tabled(m graph.Moves) *graph.RewardTable {
	s := &graph.RewardTable{Key: graph.Digits, Base: m.Values}
	for v := range m.Values {
		s.Class = append(s.Class, int32(v))
	}
	for x, more := make([]int32, m.Registers), true; more; {
		s.LogR = append(s.LogR, madeUp(x))
		more = false
		for k := m.Registers - 1; k >= 0 && !more; k-- { // the next number
			if x[k]++; int(x[k]) < m.Values {
				more = true
			} else {
				x[k] = 0
			}
		}
	}
	return s
}

// run is an iteration and the hash of each of its entries.
func (s selftest) run(dev graph.Device, plan *graph.Plan) (out [5]string, err error) {
	n := plan.Params.Len()
	p, err := dev.Compile(plan)
	if err != nil {
		return out, err
	}
	defer p.Free()
	var buffers [3]graph.Buffer
	for i, size := range []int{n, n, s.rule.Moments() * n} {
		if buffers[i], err = dev.Alloc(size); err != nil {
			return out, err
		}
	}
	params, grads, moments := buffers[0], buffers[1], buffers[2]
	x := make([]float64, n)
	for i, q := range plan.Params {
		u := make([]float32, q.Size())
		rng.NewKey(uint64(i)).Uniform(u, 0)
		for j, v := range u {
			x[q.Offset+j] = float64(q.Init.Value + q.Init.Spread*(2*v-1))
		}
	}
	params.Write(x, 0)

	src := graph.Source{Key: rng.NewKey(7), Iteration: 3, Count: s.count, Lanes: s.lanes, Epsilon: .25}
	batch, err := p.Rollout(params, src, nil)
	if err != nil {
		return out, err
	}
	h := digest{}
	h.ints(batch.Terminal)
	h.ints(batch.Length)
	for i := range batch.Count {
		src.Given = append(src.Given, p.Actions(nil, i))
		h.ints(src.Given[i])
	}
	for i, v := range batch.LogR { // a wrong one spoils the hash
		if x := batch.Terminal[i*plan.World.Ints : (i+1)*plan.World.Ints]; v != plan.Reward.At(x) {
			h.floats([]float64{float64(v)})
		}
	}
	out[0] = h.sum()

	dst := make([][]float64, len(plan.Heads))
	for i, o := range plan.Heads {
		dst[i] = make([]float64, batch.Count*o.Ref.Cols)
	}
	if err := p.Eval(params, batch.Terminal, dst); err != nil {
		return out, err
	}
	for _, d := range dst {
		h.floats(d)
	}
	out[1] = h.sum()

	// The same trajectories given run their networks on many rows at once, and so by other kernels.
	if batch, err = p.Rollout(params, src, nil); err != nil {
		return out, err
	}
	if batch.LogR == nil {
		logR := make([]float32, batch.Count)
		for i := range logR {
			logR[i] = madeUp(batch.Terminal[i*plan.World.Ints : (i+1)*plan.World.Ints])
		}
		p.Reward(logR)
	}
	if err := p.Close(params); err != nil {
		return out, err
	}
	shown, err := p.Outcome(nil, -1)
	if err != nil {
		return out, err
	}
	h.floats([]float64{shown.Loss})
	for _, o := range plan.Outputs {
		d := make([]float64, batch.Count)
		p.Read(d, o.Ref)
		h.floats(d)
	}
	out[2] = h.sum()

	if err := p.Backward(params, grads); err != nil {
		return out, err
	}
	grads.Read(x, 0)
	h.floats(x)
	out[3] = h.sum()

	rates := graph.Scalars{C1: 10, C2: 1000}
	for range plan.Params.Groups() {
		rates.Rates, rates.Keep = append(rates.Rates, .01), append(rates.Keep, .999)
	}
	if err := p.Update(params, grads, moments, s.rule, rates); err != nil {
		return out, err
	}
	if shown, err = p.Outcome(nil, -1); err != nil {
		return out, err
	}
	params.Read(x, 0)
	h.floats(append(x, shown.Norm))
	out[4] = h.sum()
	return out, nil
}

// digest hashes numbers; every NaN counts as one.
type digest struct{ b []byte }

func (d *digest) ints(x []int32) {
	for _, v := range x {
		d.b = binary.LittleEndian.AppendUint32(d.b, uint32(v))
	}
}

func (d *digest) floats(x []float64) {
	for _, v := range x {
		if v != v {
			v = math.NaN()
		}
		d.b = binary.LittleEndian.AppendUint64(d.b, math.Float64bits(v))
	}
}

func (d *digest) sum() string {
	s := sha256.Sum256(d.b)
	d.b = d.b[:0]
	return hex.EncodeToString(s[:])
}
