// This file is the instructions that move lanes to other places.

package asmsim

var shuffleTable = map[string]decoder{
	"VBROADCASTSS": broadcast, "VPBROADCASTD": broadcast,
	"VUNPCKLPS": within(3, func(i, _ int) (int, int) { return i & 1, i >> 1 }),
	"VUNPCKHPS": within(3, func(i, _ int) (int, int) { return i & 1, 2 + i>>1 }),
	"VUNPCKLPD": doubles(within(3, func(i, _ int) (int, int) { return i >> 1, i & 1 })),
	"VUNPCKHPD": doubles(within(3, func(i, _ int) (int, int) { return i >> 1, 2 + i&1 })),
	"VSHUFPS":   within(4, func(i, imm int) (int, int) { return i >> 1, imm >> (2 * i) & 3 }),
	"VPERMILPS": within(3, func(i, imm int) (int, int) { return -1, imm >> (2 * i) & 3 }),
	"VPSHUFD":   within(3, func(i, imm int) (int, int) { return -1, imm >> (2 * i) & 3 }),
	"VMOVSHDUP": within(2, func(i, _ int) (int, int) { return -1, i | 1 }),
	"VMOVSLDUP": within(2, func(i, _ int) (int, int) { return -1, i &^ 1 }),

	"VPERM2F128": exchange, "VPERM2I128": exchange,
	"VSHUFF32X4": shuffleQuarters, "VSHUFI32X4": shuffleQuarters, "VSHUFF64X2": doubles(shuffleQuarters), "VSHUFI64X2": doubles(shuffleQuarters),
	"VEXTRACTF128": extract(4), "VEXTRACTI128": extract(4), "VEXTRACTF32X4": extract(4), "VEXTRACTF64X4": doubles(extract(8)), "VEXTRACTI64X4": doubles(extract(8)),
	"VINSERTF128": insert(4), "VINSERTF32X4": insert(4), "VINSERTF64X4": doubles(insert(8)),
	"VPERMPS": permute, "VPERMD": permute,
	"VBLENDVPS": blendSigns, "VBLENDPS": blendImmediate, "VBLENDMPS": blendMask, "VPBLENDMD": blendMask,
}

func broadcast(in *inst) (step, error) {
	v, err := in.form(2)
	if err != nil || v.dst.kind != vector {
		return nil, errOperands
	}
	var get func(m *machine) uint32
	switch o := v.sources[0]; o.kind {
	case vector:
		get = func(m *machine) uint32 { return m.z[o.reg][0] }
	case general:
		get = func(m *machine) uint32 { return uint32(m.gp[o.reg]) }
	case memory:
		address := o.address()
		get = func(m *machine) uint32 { return load[uint32](address(m)) }
	default:
		return nil, errOperands
	}
	r, lanes := v.dst.reg, v.dst.bytes/4
	return func(m *machine) {
		x := get(m)
		var out vec
		for i := range lanes {
			out[i] = x
		}
		m.write(r, &out, lanes, v.mask(m), in.zeroing)
	}, nil
}

// within moves lanes inside each 128 bits: lane i comes from lane from of the first (which = 0) or second operand in
// Intel's order, or of the only one (-1).
func within(operands int, pick func(i, imm int) (which, from int)) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(operands)
		if err != nil {
			return nil, err
		}
		imm := 0
		if v.sources[0].kind == immediate {
			if imm, err = v.immediate(); err != nil {
				return nil, err
			}
		}
		which, _ := pick(0, imm)
		if want := map[bool]int{true: 1, false: 2}[which < 0]; len(v.sources) != want {
			return nil, errOperands // VPERMILPS by a vector, for one
		}
		lanes := v.lanes
		return v.apply(func(out, _ *vec, src *[3]*vec) {
			for i := range lanes {
				which, from := pick(i&3, imm)
				if which < 0 {
					which = 1
				}
				out[i] = src[1-which][i&^3+from]
			}
		})
	}
}

// doubles refuses a mask, which would count lanes of 64 bits, and a broadcast of one.
func doubles(d decoder) decoder {
	return func(in *inst) (step, error) {
		for _, o := range in.ops {
			if o.kind == opmask || in.broadcast {
				return nil, errOperands
			}
		}
		return d(in)
	}
}

// exchange is VPERM2F128: two bits of the immediate choose each half of the result among four, a third clears it.
func exchange(in *inst) (step, error) {
	v, err := in.form(4)
	if err != nil {
		return nil, err
	}
	imm, err := v.immediate()
	if err != nil || v.lanes != 8 {
		return nil, errOperands
	}
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for half := range 2 {
			c := imm >> (4 * half)
			if c&8 == 0 {
				copy(out[4*half:4*half+4], src[1-c>>1&1][c&1*4:])
			}
		}
	})
}

// shuffleQuarters takes the lower half of the result's 128-bit lanes from the first operand, the upper from the second.
func shuffleQuarters(in *inst) (step, error) {
	v, err := in.form(4)
	if err != nil {
		return nil, err
	}
	imm, err := v.immediate()
	if err != nil || v.lanes < 8 {
		return nil, errOperands
	}
	quarters := v.lanes / 4
	width := quarters / 2 // bits of a choice
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for q := range quarters {
			from := imm >> (q * width) & (quarters - 1)
			copy(out[4*q:4*q+4], src[1-2*q/quarters][4*from:])
		}
	})
}

// extract is part number imm of a register.
func extract(part int) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(3)
		if err != nil || len(in.ops) != 3 || v.sources[1].kind != vector {
			return nil, errOperands
		}
		imm, err := v.immediate()
		if err != nil {
			return nil, err
		}
		imm &= v.lanes/part - 1
		r, dst := v.sources[0].reg, v.dst
		if dst.kind == memory {
			address := dst.address()
			return func(m *machine) {
				var out vec
				copy(out[:part], m.z[r][imm*part:])
				storeLanes(&out, address(m), part, ^uint64(0))
			}, nil
		}
		return func(m *machine) {
			var out vec
			copy(out[:part], m.z[r][imm*part:])
			m.write(dst.reg, &out, part, ^uint64(0), false)
		}, nil
	}
}

// insert replaces part number imm of the first operand.
func insert(part int) decoder {
	return func(in *inst) (step, error) {
		v, err := in.form(4)
		if err != nil || len(in.ops) != 4 || v.sources[1].kind != vector || v.dst.kind != vector {
			return nil, errOperands // from memory: not supported
		}
		imm, err := v.immediate()
		if err != nil {
			return nil, err
		}
		imm &= v.lanes/part - 1
		return v.apply(func(out, _ *vec, src *[3]*vec) {
			*out = *src[1]
			copy(out[imm*part:imm*part+part], src[0][:])
		})
	}
}

// permute is VPERMPS table, index, dst.
func permute(in *inst) (step, error) {
	v, err := in.form(3)
	if err != nil || len(v.sources) != 2 || v.lanes < 8 || v.sources[0].kind != vector {
		return nil, errOperands
	}
	lanes := v.lanes
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for i := range lanes {
			out[i] = src[0][src[1][i]&uint32(lanes-1)]
		}
	})
}

// blendSigns is VBLENDVPS choice, second, first, dst.
func blendSigns(in *inst) (step, error) {
	v, err := in.form(4)
	if err != nil || len(in.ops) != 4 {
		return nil, errOperands
	}
	lanes := v.lanes
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for i := range lanes {
			out[i] = src[2][i]
			if src[0][i]>>31 != 0 {
				out[i] = src[1][i]
			}
		}
	})
}

func blendImmediate(in *inst) (step, error) {
	v, err := in.form(4)
	if err != nil {
		return nil, err
	}
	imm, err := v.immediate()
	if err != nil || v.lanes > 8 {
		return nil, errOperands
	}
	lanes := v.lanes
	return v.apply(func(out, _ *vec, src *[3]*vec) {
		for i := range lanes {
			out[i] = src[1-imm>>i&1][i]
		}
	})
}

// blendMask is VBLENDMPS second, first, k, dst.
func blendMask(in *inst) (step, error) {
	v, err := in.form(3)
	if err != nil || len(in.ops) != 4 || in.zeroing || in.broadcast || v.sources[0].kind != vector || v.sources[1].kind != vector {
		return nil, errOperands
	}
	second, first, r, lanes := v.sources[0].reg, v.sources[1].reg, v.dst.reg, v.lanes
	return func(m *machine) {
		out := m.z[first]
		mask := v.mask(m)
		for i := range lanes {
			if mask>>i&1 != 0 {
				out[i] = m.z[second][i]
			}
		}
		m.write(r, &out, lanes, ^uint64(0), false)
	}, nil
}
