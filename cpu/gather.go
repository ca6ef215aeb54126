package cpu

import "github.com/sluice-ml/sluice/graph"

// gather is OpGather: the first layer of a state whose features are one-hot. A dense product would multiply by zeros.
//
//	out[r,j] = act(Σ_f W[feat[r,f],j] + bias[j])   one chain over f from 0, bias last
func (p *program[T]) gather(w *worker[T], sp *span[T], in *graph.Instr) {
	n, active := in.N, p.plan.World.Active
	weight, bias := p.params[in.A.Off:], p.params[in.B.Off:in.B.Off+n]
	out, ld := p.at(w, sp, in.Out)
	for i := range sp.n {
		o := out[i*ld : i*ld+n]
		clear(o)
		feat := sp.l.feat[(sp.row+i)*active : (sp.row+i+1)*active]
		for _, f := range feat {
			row := weight[int(f)*n : int(f)*n+n]
			for j, v := range row {
				o[j] += v
			}
		}
		for j, v := range bias {
			o[j] += v
		}
		activate(in.Act, o)
	}
}

// gatherGrad is OpGatherGrad:
//
//	dW[feat[r,f],j] += d[r,j]   dbias[j] += d[r,j]   chains over the lane's rows
func (p *program[T]) gatherGrad(w *worker[T], sp *span[T], in *graph.Instr) {
	n, active := in.N, p.plan.World.Active
	dw, db := sp.l.grads[in.Out.Off:], sp.l.grads[in.C.Off:in.C.Off+n]
	d, ld := p.at(w, sp, in.B)
	for i := range sp.n {
		row := d[i*ld : i*ld+n]
		for _, f := range sp.l.feat[(sp.row+i)*active : (sp.row+i+1)*active] {
			o := dw[int(f)*n : int(f)*n+n]
			for j, v := range row {
				o[j] += v
			}
		}
		for j, v := range row {
			db[j] += v
		}
	}
}
