// Where the rows of an instruction are, and what an activation is.
#pragma once
#include "dev.h"
#include "math.h"
#include "abi.h"

// Piece is the rows of one lane: [lo, lo+n) of the lane.
struct Piece { i32 lane, lo, n; };

FN Piece piece(const Span &s) {
  Piece p;
  p.lane = block_y();
  i32 to = s.to[p.lane];
  if (s.from) {
    p.lo = s.from[p.lane];
  } else {
    p.lo = s.begin;
    to = lower(to, s.begin + s.len);
  }
  p.n = upper(to - p.lo, 0);
  return p;
}

// at is the first row of the piece in an operand.
FN float *at(const Val &v, const Piece &p) {
  return v.p + ((u64)p.lane * (u32)v.rows + (v.local ? 0u : (u32)p.lo)) * (u32)v.ld;
}

// first_row is the number of the piece's first row among the rows of all lanes.
FN i32 first_row(const Span &s, const Piece &p) { return p.lane * s.cap + p.lo; }

// Activations: graph.Act. relu and leaky keep -0 and NaN.
enum { IDENTITY, RELU, LEAKY, TANH };

FN float bend(i32 act, float v) { // all but TANH
  if (act == RELU) return v < 0.0f ? 0.0f : v;
  if (act == LEAKY) return v < 0.0f ? v * 0.01f : v;
  return v;
}

FN float activate(i32 act, float v) { return act == TANH ? tanh_f(v) : bend(act, v); }
