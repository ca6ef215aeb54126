// This file tests loading and calling: errors, faults, data, and the checks that hardware does not make.

package asmsim_test

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/sluice-ml/sluice/cpu/asmsim"
)

func ExampleProgram_Call() {
	program, err := asmsim.Parse("double.s", `
TEXT ·double(SB), NOSPLIT, $0-8
	MOVQ    p+0(FP), AX
	VMOVUPS (AX), Z0
	VADDPS  Z0, Z0, Z0
	VMOVUPS Z0, (AX)
	VZEROUPPER
	RET
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	x := &[16]float32{1, 2, 3}
	fmt.Println(program.Call("double", uintptr(unsafe.Pointer(x))), x[:4])
	runtime.KeepAlive(x)
	// Output: <nil> [2 4 6 0]
}

// function wraps a body into a function of one pointer, in AX.
func function(body string) string {
	return "TEXT ·f(SB), NOSPLIT, $0-8\n\tMOVQ p+0(FP), AX\n" + body + "\n\tRET\n"
}

func TestWhatIsUnknownIsAnError(t *testing.T) {
	for body, want := range map[string]string{
		"VADDPD Z0, Z1, Z2":           "asmsim: k.s:3: VADDPD: unknown instruction",
		"VADDPS Z0, Z1":               "asmsim: k.s:3: VADDPS: these operands are not supported",
		"VADDPS.Z Z0, Z1, Z2":         "asmsim: k.s:3: VADDPS: these operands are not supported",
		"VADDPS.RN_SAE Z0, Z1, Z2":    "asmsim: k.s:3: VADDPS: unknown suffix RN_SAE",
		"VADDPS Z0, Z1, Z32":          "asmsim: k.s:3: VADDPS: these operands are not supported",
		"MOVQ 8(SP), AX":              "asmsim: k.s:3: MOVQ: unknown register SP",
		"MOVQ R14, AX":                "asmsim: k.s:3: MOVQ: these operands are not supported",
		"VBROADCASTSS c<>+0(SB), Z0":  "asmsim: k.s:3: VBROADCASTSS: no data c, or not that long",
		"JMP nowhere":                 "asmsim: k.s:3: JMP: these operands are not supported",
		"VPXORQ Z0, Z0, K1, Z0":       "asmsim: k.s:3: VPXORQ: these operands are not supported",
		"VUNPCKLPD Z0, Z1, K1, Z2":    "asmsim: k.s:3: VUNPCKLPD: these operands are not supported",
		"VRNDSCALEPS $0x10, Z0, Z1":   "asmsim: k.s:3: VRNDSCALEPS: these operands are not supported",
		"VPERMILPS Z0, Z1, Z2":        "asmsim: k.s:3: VPERMILPS: these operands are not supported",
		"TEXT ·g(SB), NOSPLIT, $16-8": `asmsim: k.s:3: text: cannot read "TEXT ·g(SB), NOSPLIT, $16-8" (locals are not supported)`,
	} {
		_, err := asmsim.Parse("k.s", function(body))
		require.EqualError(t, err, want)
	}
	_, err := asmsim.Parse("k.s", "\tRET\n")
	require.ErrorContains(t, err, "k.s:1")
	_, err = asmsim.Load("missing.s")
	require.ErrorContains(t, err, "missing.s")
}

func TestCallRefuses(t *testing.T) {
	x := &[64]float32{7: 1}
	at := uintptr(unsafe.Pointer(x))
	for body, want := range map[string]string{
		"MOVQ $8, CX\nMOVQ (CX), DX":                   "asmsim: k.s:4: MOVQ: runtime error: invalid memory address or nil pointer dereference",
		"VMOVUPS (AX), Y3":                             "asmsim: k.s:4: RET: returns with the upper part of Z3 in use: no VZEROUPPER",
		"CMPQ AX, $0\nIMULQ AX, AX\nJZ end\nend:":      "asmsim: k.s:5: JZ: jumps on flags of an instruction whose flags are not modelled",
		"CMPQ AX, $0\nIMUL3Q $2, AX, AX\nJZ end\nend:": "asmsim: k.s:5: JZ: jumps on flags of an instruction whose flags are not modelled",
		"JZ end\nend:":                                 "asmsim: k.s:3: JZ: jumps on flags of an instruction whose flags are not modelled",
	} {
		p, err := asmsim.Parse("k.s", function(body))
		require.NoError(t, err)
		require.EqualError(t, p.Call("f", at), want)
	}
	p, err := asmsim.Parse("k.s", function(""))
	require.NoError(t, err)
	require.EqualError(t, p.Call("g"), "asmsim: no function g")
	require.EqualError(t, p.Call("f"), "asmsim: f takes 1 words of arguments, not 0")
	require.Equal(t, []string{"f"}, p.Functions())
	p, err = asmsim.Parse("k.s", "TEXT ·f(SB), NOSPLIT, $0-0\n\tNOP\n")
	require.NoError(t, err)
	require.EqualError(t, p.Call("f"), "asmsim: f does not end in RET")
	runtime.KeepAlive(x)
}

// A register that a kernel never wrote holds a NaN and not the zero that tests would miss.
func TestRegistersStartAsRubbish(t *testing.T) {
	p, err := asmsim.Parse("k.s", function("VMOVUPS X7, (AX)"))
	require.NoError(t, err)
	x := new([4]float32)
	require.NoError(t, p.Call("f", uintptr(unsafe.Pointer(x))))
	for _, v := range x {
		require.NotEqual(t, v, v)
	}
}

// Lanes that are off are not read and not written, wherever they are.
func TestMaskedLanesAreNotTouched(t *testing.T) {
	p, err := asmsim.Parse("k.s", function(`
	MOVQ       $8, CX
	MOVQ       $0, DX
	KMOVW      DX, K1
	VXORPS     Y1, Y1, Y1
	VMOVUPS.Z  (CX), K1, Z0
	VMOVUPS    Z0, K1, (CX)
	VADDPS     (CX), Z0, K1, Z0
	VMASKMOVPS (CX), Y1, Y2
	VMASKMOVPS Y2, Y1, (CX)
	VMOVUPS    Z0, (AX)
	VZEROUPPER`))
	require.NoError(t, err)
	x := &[16]float32{1, 2, 3, 4}
	require.NoError(t, p.Call("f", uintptr(unsafe.Pointer(x))))
	require.Equal(t, [16]float32{}, *x)
}

func TestData(t *testing.T) {
	p, err := asmsim.Parse("k.s", function(`
	VBROADCASTSS c<>+4(SB), X0
	VMOVUPS      X0, (AX)
	MOVQ         d<>+0(SB), CX
	MOVQ         CX, 16(AX)`)+`
DATA c<>+0(SB)/4, $(1.0)
DATA c<>+4(SB)/4, $(-0.69314718)
GLOBL c<>(SB), RODATA|NOPTR, $8
DATA d<>+0(SB)/4, $0xff800000
DATA d<>+4(SB)/4, $-2
GLOBL d<>(SB), RODATA|NOPTR, $8
`)
	require.NoError(t, err)
	x := new([6]uint32)
	require.NoError(t, p.Call("f", uintptr(unsafe.Pointer(x))))
	require.Equal(t, float32(-0.69314718), *(*float32)(unsafe.Pointer(&x[3])))
	require.Equal(t, []uint32{0xff800000, 0xfffffffe}, x[4:])
}
