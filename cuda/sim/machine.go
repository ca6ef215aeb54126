package sim

import (
	"fmt"

	"github.com/sluice-ml/sluice/cuda/ptx"
)

// Config are a machine's settings; zero is a device of 8 GiB whose warps take turns in order, without the two costly checks.
type Config struct {
	Memory  int64  // bytes of device memory; 0 means 8 GiB
	Seed    uint64 // of the order of blocks, warps and diverged lanes; 0 is the plain order
	Race    bool   // find accesses that nothing orders
	Init    bool   // find reads of memory nobody wrote
	Limit   uint64 // warp instructions of a launch; 0 means 1<<34
	Devices int    // that [Driver] shows; 0 means 1, -1 none
	Version int    // of CUDA that [Driver] shows; 0 means 12040
}

const defaultMemory = 8 << 30

// Machine is a device. It serves one caller at a time.
type Machine struct {
	cfg      Config
	mem      memory
	counters map[string]*Counters
	launches uint32 // so far: what a race lies within
	rnd      uint64
}

// New is a machine with empty memory.
func New(cfg Config) *Machine {
	if cfg.Memory == 0 {
		cfg.Memory = defaultMemory
	}
	if cfg.Limit == 0 {
		cfg.Limit = 1 << 34
	}
	m := &Machine{cfg: cfg, counters: map[string]*Counters{}, rnd: cfg.Seed}
	m.mem = memory{cfg: &m.cfg, next: deviceBase, card: new(card)}
	return m
}

// pick is a number below n: 0 in the plain order, else the next one of the seed's sequence (splitmix64).
func (m *Machine) pick(n int) int {
	if m.cfg.Seed == 0 || n < 2 {
		return 0
	}
	m.rnd += 0x9e3779b97f4a7c15
	z := m.rnd
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

// Module is a loaded text.
type Module struct {
	m       *Machine
	tree    *ptx.Module
	vars    []uint64 // address of each variable of the module
	kernels map[string]*Kernel
}

// Load reads a text and puts its variables into memory. Kernels are translated when they are asked for.
func (m *Machine) Load(text []byte) (*Module, error) {
	tree, err := ptx.Parse(text)
	if err != nil {
		return nil, err
	}
	mod := &Module{m: m, tree: tree, kernels: map[string]*Kernel{}}
	for _, v := range tree.Vars {
		at, err := m.Alloc(max(v.Bytes, 1))
		if err != nil {
			return nil, err
		}
		init := v.Init
		if init == nil {
			init = make([]byte, v.Bytes)
		}
		if err := m.Write(at, init); err != nil {
			return nil, err
		}
		mod.vars = append(mod.vars, at)
	}
	return mod, nil
}

// Kernel is an entry of the module.
func (mod *Module) Kernel(name string) (*Kernel, error) {
	if k := mod.kernels[name]; k != nil {
		return k, nil
	}
	tree := mod.tree.Kernel(name)
	if tree == nil {
		return nil, fmt.Errorf("sim: the module has no kernel %q", name)
	}
	k, err := translate(mod, tree)
	if err != nil {
		return nil, err
	}
	mod.kernels[name] = k
	return k, nil
}

// Counters of each kernel by name, since the last reset.
func (m *Machine) Counters() map[string]Counters {
	out := map[string]Counters{}
	for n, c := range m.counters {
		out[n] = *c
	}
	return out
}

// ResetCounters begins to count anew.
func (m *Machine) ResetCounters() { clear(m.counters) }

// Counters are what a kernel did in all its launches. A warp instruction is one instruction of one warp, whatever lanes it has.
type Counters struct {
	Launches     uint64
	Instructions uint64 // of warps
	Lanes        uint64 // instructions of lanes
	FFMA         uint64 // of these, fused multiply-adds of float32
	Loaded       uint64 // bytes of global memory
	Stored       uint64
	Sectors      uint64 // of 32 bytes that global accesses touched, counted an instruction of a warp
	FewestSector uint64 // that the same bytes need
	Diverged     uint64 // branches that parted a warp
	Barriers     uint64
	Banks        uint64 // turns of shared memory that accesses took, 32 banks of 4 bytes
	FewestBanks  uint64
}
