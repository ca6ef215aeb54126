package cuda

import "github.com/sluice-ml/sluice/cuda/kernel"

// This file is the Backward entry: pieces of every lane's rows in append order, so that every sum into a parameter is one chain over the
// lane's rows whatever the piece; then the lanes' parts are added by the pairwise tree. Nothing is waited for.

func (p *program) backward() {
	for p.chunk = 0; p.chunk*p.piece < p.longest; p.chunk++ {
		k := p.key(playChunk, p.chunk)
		if p.o.blas != nil {
			v := p.pieceAt(p.chunk)
			k.full = p.full(&v)
		}
		p.play(k, p.emitChunk)
	}
	k := p.key(playSums, 0)
	k.grads = p.grads
	p.play(k, p.emitSums)
}

// emitBack is one piece. Saved values that were dropped come from the same instructions on the same parameters and row data: the same bits.
func (p *program) emitBack() {
	v := p.pieceAt(p.chunk)
	if !p.held.saving {
		p.emit(p.recompute, &v, p.o.stream[0], false)
	}
	list := p.back
	if p.backFull != nil && p.full(&v) {
		list = p.backFull
	}
	p.emit(list, &v, p.o.stream[0], p.chunk == 0)
}

func (p *program) emitReduce() {
	o, s, pl := p.o, p.o.stream[0], p.plan
	g := &p.held.grads
	grads := uint64(p.grads)
	launch(o, kernel.Reduce, kernel.ReduceGrid(pl.GradLen), s, kernel.ReduceArgs{Grads: g.u(0), Out: grads, GradLen: int32(pl.GradLen),
		Lanes: int32(p.lanes), N: int32(pl.Params.Len())})
	for _, f := range pl.Folds {
		launch(o, kernel.Add, kernel.JointGrid(f.Len), s, kernel.AddArgs{Out: grads + uint64(4*f.Dst), X: g.u(f.Src), N: int32(f.Len)})
	}
	for _, r := range pl.CloseGrads {
		launch(o, kernel.Add, kernel.JointGrid(r.Len), s, kernel.AddArgs{Out: grads + uint64(4*r.Off), X: p.held.closeGrads.u(r.Off), N: int32(r.Len)})
	}
}
