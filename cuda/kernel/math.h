// The defined functions: exp, log, tanh, the compensated sum (package f32) and Philox (package rng), operation by operation. What they
// are good for, and their errors, stand beside the Go functions.
#pragma once

const float INFINITY = __builtin_inff();

// exp_f is f32.Exp: +0 below -87, +Inf above 88.
FN float exp_f(float x) {
  float t = ffma(x, 1.44269504088896341f, 12582912.0f);
  u32 n = as_uint(t) - 0x4b400000u;
  float k = t - 12582912.0f;
  float r = ffma(k, -0.693145752f, x);
  r = ffma(k, -1.42860677e-6f, r);
  float p = 1.38427719e-3f;
  p = ffma(p, r, 8.36596917e-3f);
  p = ffma(p, r, 4.16695364e-2f);
  p = ffma(p, r, 1.66664705e-1f);
  p = ffma(p, r, 4.99999851e-1f);
  p = ffma(p, r, 1.0f);
  p = ffma(p, r, 1.0f);
  float y = p * as_float((n + 127u) << 23);
  y = x > 88.0f ? INFINITY : y;
  return x < -87.0f ? 0.0f : y;
}

// log_f is f32.Log.
FN float log_f(float x) {
  u32 b = as_uint(x);
  i32 e = (i32)(b - 0x3f2aaaabu) >> 23;
  float m = as_float(b - ((u32)e << 23));
  float f = m - 1.0f, s = f * f;
  float p = -0.130310059f;
  p = ffma(p, f, 0.140869141f);
  p = ffma(p, f, -0.121483602f);
  p = ffma(p, f, 0.139814854f);
  p = ffma(p, f, -0.166846052f);
  p = ffma(p, f, 0.200120345f);
  p = ffma(p, f, -0.249996200f);
  p = ffma(p, f, 0.333331972f);
  p = ffma(p, f, -0.5f);
  p = ffma(p, s, f);
  float y = ffma((float)e, 0.693147182f, p);
  float low = x == 0.0f ? -INFINITY : __builtin_nanf("");
  return x > 0.0f ? y : low;
}

// tanh_f is f32.Tanh.
FN float tanh_f(float x) {
  float a = as_float(as_uint(x) & 0x7fffffffu), y;
  if (a < 0.625f) {
    float s = a * a;
    float p = -0.00570498711f;
    p = ffma(p, s, 0.0206390873f);
    p = ffma(p, s, -0.0537397151f);
    p = ffma(p, s, 0.133314422f);
    p = ffma(p, s, -0.333332819f);
    y = ffma(a * s, p, a);
  } else {
    y = 1.0f - fdiv(2.0f, exp_f(a + a) + 1.0f);
  }
  return as_float(as_uint(y) | (as_uint(x) & 0x80000000u));
}

// Sum is f32.Sum.
struct Sum { float hi, lo; };
FN void add(Sum &s, float x) {
  float h = s.hi + x, t = h - s.hi;
  s.lo += (s.hi - (h - t)) + (x - t);
  s.hi = h;
}

// U4 is a counter or a block of Philox.
struct U4 { u32 x, y, z, w; };

// philox is rng.Key.Block: Philox4x32-10.
FN U4 philox(u32 k0, u32 k1, U4 c) {
  UNROLL for (i32 i = 0; i < 10; i++) {
    u32 h0 = umulhi(0xD2511F53u, c.x), l0 = 0xD2511F53u * c.x;
    u32 h1 = umulhi(0xCD9E8D57u, c.z), l1 = 0xCD9E8D57u * c.z;
    c = U4{h1 ^ c.y ^ k0, l1, h0 ^ c.w ^ k1, l0};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

// uniform is rng.Uniform.
FN float uniform(u32 w) { return ((float)(w >> 9) + 0.5f) * 1.1920928955078125e-7f; }

// butterfly is f32.Butterfly over the lanes of a warp; every lane has the sum.
FN float butterfly(float p) {
  UNROLL for (i32 o = 16; o > 0; o /= 2) p += shfl_xor(p, o);
  return p;
}
