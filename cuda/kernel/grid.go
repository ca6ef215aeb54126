package kernel

// This file is the shapes of launches, and which of several kernels an instruction runs by: they give the same bits, and differ in the
// shapes they take and are quick at.

// Grid is a launch: X times Y blocks of Threads threads, for each of Several instructions.
type Grid struct{ X, Y, Threads int }

// Together is the launch of the first n of some instructions, those that run by one kernel, on the largest of their grids. Blocks that an
// instruction has not return at once.
func Together[A any](all []A, launch func(*A) (ID, Grid)) (k ID, g Grid, n int) {
	for i := range all {
		id, h := launch(&all[i])
		if i > 0 && id != k {
			break
		}
		k, g, n = id, Grid{max(g.X, h.X), h.Y, h.Threads}, i+1
	}
	return k, g, n
}

func cut(n, by int) int { return (n + by - 1) / by }

// LanesGrid is a block a lane: Begin, Leave, Moves, Settle, Append, Advance, Replay, Place.
func LanesGrid(lanes int) Grid { return Grid{lanes, 1, 256} }

// OneGrid is one warp: Tally.
func OneGrid() Grid { return Grid{1, 1, 32} }

// ElementsGrid is n elements of each row, rows the most of a lane: Act, ActBack, Rows_; Carry with n = 1.
func ElementsGrid(rows, lanes, n int) Grid { return Grid{cut(rows*n, 1024), lanes, 256} }

// JointGrid is a thread an element: Features (n states times registers), Joint, Collect, Add, Score.
func JointGrid(n int) Grid { return Grid{cut(n, 256), 1, 256} }

// TotalGrid is one block: Total.
func TotalGrid() Grid { return Grid{1, 1, 1024} }

// ReduceGrid is a thread an element of a lane's gradients: Reduce.
func ReduceGrid(gradLen int) Grid { return Grid{cut(gradLen, 256), 1, 256} }

// NormGrid is a warp for 4,096 of n gradients: Norm.
func NormGrid(n int) Grid { return Grid{cut(n, 4*4096), 1, 128} }

// ScaleGrid is one block: Scale.
func ScaleGrid() Grid { return Grid{1, 1, 1024} }

// StepGrid is a thread an element of a tensor: SGD, Adam.
func StepGrid(n int) Grid { return Grid{cut(n, 256), 1, 256} }

const (
	SerialActions = 32 // up to so many, a thread has a row; beyond, a warp
	Narrow        = 16 // columns of a head: products with so few have kernels of their own

	scatterValues = 96 // values of a register up to which a warp looks for the rows of each
	few           = 24 // rows a lane up to which linear_few is quicker: tiles of 64 rows would be mostly empty

	// Large devices have some 130 multiprocessors. A tile of 128x64 keeps one busy, one of 64x64 half of one; with so few of either the
	// next smaller kernel, of which more run at once, is quicker by the count of instructions.
	busy, idle = 96, 64

	most = 128 // blocks that need a multiprocessor each
)

// rows is the most rows of a lane.
func (s *Span) rows() int { return int(s.Len) }

func rowGrid(s *Span, perBlock int) Grid { return Grid{cut(s.rows(), perBlock), int(s.Lanes), 128} }

// Launch is how SampleArgs runs.
func (a *SampleArgs) Launch() (ID, Grid) {
	if a.Actions <= SerialActions {
		return Sample, rowGrid(&a.Span, 128)
	}
	return SampleWide, rowGrid(&a.Span, 4)
}

// Launch is how OpLogProb runs.
func (a *LogProbArgs) Launch() (ID, Grid) {
	if a.N <= SerialActions {
		return LogProb, rowGrid(&a.Span, 128)
	}
	return LogProbWide, rowGrid(&a.Span, 4)
}

// LaunchBack is how OpLogProbBack runs.
func (a *LogProbArgs) LaunchBack() (ID, Grid) {
	if a.N <= SerialActions {
		return LogProbBack, rowGrid(&a.Span, 128)
	}
	return LogProbBackWide, rowGrid(&a.Span, 4)
}

const (
	// WalkWidth is the widest layer that Walk takes, and WalkActions the widest head.
	WalkWidth, WalkActions = 256, SerialActions

	// PlaceRows is the most rows of a trajectory that Place has room for.
	PlaceRows = 1024

	walkRows, walkFew = 32, 8 // trajectories a block
)

// Launch is how the rollout of a world that is data runs where it is one kernel: on a large device every multiprocessor should have a
// block.
func (a *WalkArgs) Launch() (ID, Grid) {
	if cut(int(a.Batch), walkFew) <= most {
		return WalkFew, Grid{cut(int(a.Batch), walkFew), 1, 256}
	}
	return Walk, Grid{cut(int(a.Batch), walkRows), 1, 256}
}

// quads says that 128-bit accesses may start at all of at and go on at every multiple of all widths.
func quads(at []uint64, widths ...int32) bool {
	bits := uint64(0)
	for _, p := range at {
		bits |= p / 4
	}
	for _, w := range widths {
		bits |= uint64(w)
	}
	return bits%4 == 0
}

// Launch is how OpGather runs.
func (a *GatherArgs) Launch() (ID, Grid) {
	n := a.Span.rows() * int(a.N)
	if quads([]uint64{a.Out.P, a.A, a.B}, a.N, a.Out.LD) {
		return Gather, Grid{cut(n/4, 256), int(a.Span.Lanes), 256}
	}
	return GatherAny, Grid{cut(n, 256), int(a.Span.Lanes), 256}
}

// Launch is how OpGatherGrad runs; without features it is the bias alone.
func (a *GatherGradArgs) Launch() (ID, Grid) {
	grid := func(columns, threads int) Grid {
		return Grid{cut(int(a.N), columns)*int(a.Active) + cut(int(a.N), threads), int(a.Span.Lanes), threads}
	}
	switch {
	case a.Values > scatterValues:
		return GatherGradWide, grid(32, 32)
	case quads([]uint64{a.D.P, a.Gate.P, a.Out}, a.N, a.D.LD, a.Gate.LD, a.GradLen):
		return GatherGrad, grid(256, 256)
	}
	return GatherGradAny, grid(32, 256)
}

// tiles is the grid of m x n a lane in tiles of tm x tn.
func tiles(m, n, tm, tn, lanes, threads int) Grid {
	return Grid{cut(m, tm) * cut(n, tn), lanes, threads}
}

// large says that tiles of 128 rows keep a large device busy.
func large(m, n, lanes int) bool { return m > 64 && cut(m, 128)*cut(n, 64)*lanes >= busy }

// narrowRows is what a block of 128 threads has of n columns: a thread four columns of one row.
func narrowRows(n int) int {
	switch {
	case n <= 4:
		return 128
	case n <= 8:
		return 64
	}
	return 32
}

// Launch is how OpLinear runs.
func (a *LinearArgs) Launch() (ID, Grid) {
	m, n, lanes := a.Span.rows(), int(a.N), int(a.Span.Lanes)
	switch {
	case n <= Narrow:
		return LinearNarrow, Grid{cut(m, narrowRows(n)), lanes, 128}
	case m <= few, cut(m, 64)*cut(n, 64)*lanes <= idle:
		return LinearFew, tiles(m, n, 16, 64, lanes, 256)
	case !quads([]uint64{a.Out.P, a.A.P, a.W, a.Bias}, a.N, a.K, a.A.LD, a.Out.LD):
		return LinearAny, tiles(m, n, 64, 64, lanes, 256)
	case large(m, n, lanes):
		return Linear128x64, tiles(m, n, 128, 64, lanes, 128)
	}
	return Linear64x64, tiles(m, n, 64, 64, lanes, 64)
}

// Launch is how OpLinearBack runs.
func (a *LinearBackArgs) Launch() (ID, Grid) {
	m, n, lanes := a.Span.rows(), int(a.K), int(a.Span.Lanes)
	switch {
	case a.N <= Narrow:
		return LinearBackNarrow, tiles(m, n, 16, 128, lanes, 128)
	case !quads([]uint64{a.Out.P, a.A.P, a.W, a.Gate.P}, a.N, a.K, a.A.LD, a.Out.LD, a.Gate.LD):
		return LinearBackAny, tiles(m, n, 64, 64, lanes, 256)
	case large(m, n, lanes):
		return LinearBack128x64, tiles(m, n, 128, 64, lanes, 128)
	}
	return LinearBack64x64, tiles(m, n, 64, 64, lanes, 64)
}

// Launch is how OpLinearGrad runs: tiles of the weights' gradient, then blocks for the bias.
func (a *LinearGradArgs) Launch() (k ID, g Grid) {
	m, n, lanes := int(a.K), int(a.N), int(a.Span.Lanes)
	switch {
	case n <= Narrow:
		return LinearGradNarrow, Grid{cut(m, narrowRows(n)) + 1, lanes, 128}
	case !quads([]uint64{a.Out, a.A.P, a.D.P}, a.N, a.K, a.A.LD, a.D.LD, a.GradLen):
		k, g = LinearGradAny, tiles(m, n, 64, 64, lanes, 256)
	case large(m, n, lanes):
		k, g = LinearGrad128x64, tiles(m, n, 128, 64, lanes, 128)
	default:
		k, g = LinearGrad64x64, tiles(m, n, 64, 64, lanes, 64)
	}
	if a.Bias != 0 {
		g.X += cut(n, g.Threads)
	}
	return k, g
}
