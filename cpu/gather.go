package cpu

import "github.com/sluice-ml/sluice/graph"

// gather is OpGather: the first layer of a state whose features are one-hot. A dense product would multiply by zeros.
//
//	out[r,j] = act(Σ_f W[feat[r,f],j] + bias[j])   one chain over f from 0, bias last
func (p *program[T]) gather(w *worker[T], sp *span[T], in *graph.Instr) {
	n, active := in.N, p.plan.World.Active
	weight, bias := p.params[in.A.Off:][:in.K*n:in.K*n], p.params[in.B.Off:][:n] // a feature beyond K panics
	out, ld := p.at(w, sp, in.Out)
	feats := sp.l.feat[sp.row*active : (sp.row+sp.n)*active]
	if p.fast != nil {
		checkFeatures(feats, in.K)
		for r, most := 0, gatherRows(active); r < sp.n; r += most {
			m := min(most, sp.n-r)
			gatherFast(p.fast, out[r*ld:(r+m-1)*ld+n], ld, weight, bias, feats[r*active:(r+m)*active], m, in.Act == graph.ReLU)
		}
	}
	for i := range sp.n {
		o := out[i*ld : i*ld+n]
		if p.fast == nil {
			clear(o)
			for _, f := range feats[i*active : (i+1)*active] {
				for j, v := range weight[int(f)*n : int(f)*n+n] {
					o[j] += v
				}
			}
			for j, v := range bias {
				o[j] += v
			}
		} else if in.Act == graph.ReLU || in.Act == graph.Identity {
			return
		}
		activate(in.Act, o)
	}
}

// gatherGrad is OpGatherGrad:
//
//	dW[feat[r,f],j] += d[r,j]   dbias[j] += d[r,j]   chains over the lane's rows
func (p *program[T]) gatherGrad(w *worker[T], sp *span[T], in *graph.Instr) {
	n, active := in.N, p.plan.World.Active
	dw, db := sp.l.grads[in.Out.Off:][:in.K*n:in.K*n], sp.l.grads[in.C.Off:][:n]
	if sp.row == 0 {
		clear(dw)
		clear(db)
	}
	d, ld := p.at(w, sp, in.B)
	feats := sp.l.feat[sp.row*active : (sp.row+sp.n)*active]
	if p.fast != nil {
		checkFeatures(feats, in.K)
		for r, most := 0, gatherRows(active); r < sp.n; r += most {
			m := min(most, sp.n-r)
			scatterFast(p.fast, dw, db, d[r*ld:(r+m-1)*ld+n], ld, feats[r*active:(r+m)*active], m)
		}
		return
	}
	for i := range sp.n {
		row := d[i*ld : i*ld+n]
		for _, f := range feats[i*active : (i+1)*active] {
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
