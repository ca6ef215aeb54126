package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A report that is not told of whole is no pass.
func TestReadReport(t *testing.T) {
	const report = "ptxas info    : Compiling entry function 'adam' for 'sm_90'\n" +
		"ptxas info    : Function properties for adam\n    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads\n" +
		"ptxas info    : Used 28 registers, used 1 barriers, 352 bytes cmem[0], 32 bytes smem\n"
	u, err := readReport([]byte(report))
	require.NoError(t, err)
	require.Equal(t, []usage{{kernel: "adam", registers: 28, shared: 32, barriers: 1, stack: 8, spillStores: 4, spillLoads: 12}}, u)
	require.Len(t, (&result{usage: u}).judge(), 1)
	for _, cut := range []string{"Used 28 registers", "8 bytes stack frame", "Compiling entry function"} {
		_, err = readReport([]byte(strings.Replace(report, cut, "", 1)))
		require.ErrorIs(t, err, errReport, cut)
	}
}

func TestForbiddenWords(t *testing.T) {
	require.Empty(t, judgeText("\tadd.rn.f32 %f1, %f2, %f3;\n\tdiv.rn.f32 %f1, %f2, %f3;\n\tmul.wide.u32 %rd1, %r1, 4;\n"))
	for _, text := range []string{"ex2.approx.f32 %f1, %f2;", "add.rn.ftz.f32 %f1, %f2, %f3;", "st.local.u32 [%rd1], %r1;", "cvt.f64.f32 %fd1, %f1;",
		"add.f32 %f1, %f2, %f3;", "sqrt.f32 %f1, %f2;", ".extern .func f", "call f, ();"} {
		require.Len(t, judgeText("\n"+text), 1, text)
		require.Contains(t, judgeText("\n" + text)[0], "line 2")
	}
}

// loopText is a made-up loop: the load's value is stored after ahead multiply-adds and one more in the next round.
func loopText(ahead, others int) string {
	b := "\t.section\t.text.linear_128x64,\"ax\",@progbits\n.text.linear_128x64:\n        /*0000*/                   MOV R1, R2 ;\n.L_x_1:\n"
	b += "        /*0010*/               @P0 LDG.E.128 R8, desc[UR4][R2.64] ;\n"
	for range ahead {
		b += "        /*0020*/                   FFMA R20, R4, R5.reuse, R20 ;\n"
	}
	b += "        /*0030*/                   STS.128 [R30], R8 ;\n"
	for range others {
		b += "        /*0040*/                   IADD3 R6, R6, 0x1, RZ ;\n"
	}
	return b + "        /*0050*/               @P1 BRA `(.L_x_1) ;\n        /*0060*/                   EXIT ;\n.L_x_2:\n        /*0070*/                   BRA `(.L_x_2);\n"
}

func TestLoops(t *testing.T) {
	for _, c := range []struct{ ahead, others, found int }{{300, 10, 0}, {300, 100, 1}, {150, 5, 1}, {100, 50, 2}} {
		code, err := readCode([]byte(loopText(c.ahead, c.others)))
		require.NoError(t, err)
		require.Len(t, code, 1)
		loop := code[0].loop()
		require.Len(t, loop, c.ahead+c.others+3)
		require.Equal(t, []int{c.ahead}, loadsAhead(loop))
		r := result{usage: []usage{{kernel: "x"}}, code: code}
		require.Len(t, r.judge(), c.found, "%+v", c)
	}
	code, err := readCode([]byte(strings.Replace(loopText(300, 10), "MOV R1, R2", "LDL R1, [R2]", 1)))
	require.NoError(t, err)
	require.Len(t, (&result{usage: []usage{{}}, code: code}).judge(), 1, "local memory")
	_, err = readCode([]byte("nothing"))
	require.ErrorIs(t, err, errNoCode)
}

// A value is used where any of its registers is read: by an address of 64 bits, or by a wide store that begins below it.
func TestReads(t *testing.T) {
	for _, c := range []struct {
		op, args string
		want     bool
	}{{"FFMA", "R8, R1, R2, R3", false}, {"FFMA", "R1, R8, R2, R3", true}, {"LDG.E", "R1, desc[UR4][R8.64]", true}, {"LDG.E", "R1, desc[UR4][R7.64]", true},
		{"STS.128", "[R1], R5", true}, {"STS.128", "[R1], R4", false}, {"STS", "[R1], R7", false}, {"STS", "[R8], R1", true}} {
		in := instruction{op: c.op, args: c.args}
		require.Equal(t, c.want, in.reads(8, 9), "%v %v", c.op, c.args)
	}
}

func TestTable(t *testing.T) {
	o := options{root: "../.."}
	committed, err := o.committed()
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, committed.write(&b))
	text, err := os.ReadFile(o.registersFile())
	require.NoError(t, err)
	require.Equal(t, string(text), b.String())
	require.Empty(t, committed.differences(committed))
	other, err := readTable(string(text))
	require.NoError(t, err)
	k := other.kernels[3]
	other.registers[k][targets[2]]++
	other.shared[k]++
	require.Len(t, committed.differences(other), 2)
	delete(other.registers, k)
	require.Contains(t, committed.differences(other), k+": not in the table")

	// Every kernel of the PTX is in it.
	ptx, err := os.ReadFile(o.ptxFile())
	require.NoError(t, err)
	require.Empty(t, judgeText(string(ptx)))
	require.Equal(t, strings.Count(string(ptx), ".visible .entry "), len(committed.kernels))
	for _, k := range committed.kernels {
		require.Contains(t, string(ptx), ".visible .entry "+k+"(")
	}
}

// The page holds what the commands print.
func TestPage(t *testing.T) {
	o := options{root: "../.."}
	now, err := o.page()
	require.NoError(t, err)
	committed, err := os.ReadFile(o.pageFile())
	require.NoError(t, err)
	require.Equal(t, string(committed), now, "go run ./cuda/check -page rewrites the tables")
}

// What decides an estimate: work beyond the multiprocessors counts twice, one warp alone is slow, and bytes have their rate.
func TestEstimate(t *testing.T) {
	regs := &table{registers: map[string]map[target]int{"k": {{"13.5", 90}: 32}}}
	time := func(blocks, threads int, c counters) timed {
		c.kernel = "k"
		x, err := launched{kernel: "k", shape: "-", blocks: blocks, threads: threads}.time([]counters{c}, regs)
		require.NoError(t, err)
		x.seconds -= card.ramp
		return x
	}
	work := counters{instructions: 1000}
	alone := time(132, 32, work)
	require.Equal(t, "chain", alone.bound)
	require.InEpsilon(t, 5000/card.clock, alone.seconds, 1e-9)
	full, more := time(132, 1024, work), time(133, 1024, work)
	require.Equal(t, "issue", full.bound)
	require.InEpsilon(t, 8*1000/card.plan/card.clock, full.seconds, 1e-9)
	require.InEpsilon(t, 2*full.seconds, more.seconds, 1e-9)
	moved := time(132, 1024, counters{instructions: 1, stored: 1e5})
	require.Equal(t, "cache", moved.bound)
	require.InEpsilon(t, 3*132*32*1e5/card.second, moved.seconds, 1e-9)
	_, err := launched{kernel: "other", shape: "-"}.time([]counters{work}, regs)
	require.Error(t, err)
	require.InEpsilon(t, .2, launched{kernel: "linear_grad_128x64", shape: "256x256", blocks: 1, threads: 128}.biasBlocks(), 1e-9)
	// Four and two tiles of a thread a row and column group, a bias each, and two blocks of the smaller grid that do nothing.
	require.InEpsilon(t, 4, launched{kernel: "linear_grad_narrow", shape: "256x4+256x5", blocks: 10, threads: 128}.biasBlocks(), 1e-9)
	chain, err := launched{kernel: "k_grad", shape: "-", blocks: 1, threads: 32}.time([]counters{{kernel: "k_grad", instructions: 1},
		{kernel: "gather_grad", shape: "0x9", instructions: 1000}}, &table{registers: map[string]map[target]int{"k_grad": {{"13.5", 90}: 32}}})
	require.NoError(t, err)
	require.Equal(t, "bias", chain.bound)
	require.Zero(t, launched{kernel: "linear_128x64", shape: "256x256", blocks: 1, threads: 128}.biasBlocks())
}

// The assembler itself, where it was fetched before: a kernel that rounds nothing is contracted, one with too few registers spills.
func TestControls(t *testing.T) {
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	tool, err := findTools(filepath.Join(cache, "sluice"), false)
	if err != nil {
		t.Skip(err)
	}
	text, err := os.ReadFile("../kernel/kernels.ptx")
	require.NoError(t, err)
	const entry = "\n.visible .entry "
	parts := strings.Split(string(text), entry)
	kernel := func(name string) string {
		for _, p := range parts[1:] {
			if strings.HasPrefix(p, name+"(") {
				return parts[0] + entry + p
			}
		}
		t.Fatal(name)
		return ""
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "x.ptx")
	to := target{"13.5", 90}
	examine := func(text string) result {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		r, err := tool.examine(to, file, dir)
		require.NoError(t, err)
		return r
	}
	plain := examine(kernel("log_prob_wide"))
	require.Empty(t, plain.judge())
	bare := strings.NewReplacer("add.rn.f32", "add.f32", "mul.rn.f32", "mul.f32", "sub.rn.f32", "sub.f32").Replace(kernel("log_prob_wide"))
	contracted := examine(bare)
	require.True(t, contracted.fused)
	require.Len(t, judgeText(bare), 1)

	require.NoError(t, os.WriteFile(file, []byte(kernel("linear_64x64")), 0o644))
	u, err := tool.assemble(to, file, filepath.Join(dir, "x.cubin"), true, "-maxrregcount=64")
	require.NoError(t, err)
	if u[0].spillStores == 0 { // launch bounds in the text may overrule the flag
		text := strings.Replace(kernel("linear_64x64"), ".minnctapersm 6", ".minnctapersm 16", 1)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		u, err = tool.assemble(to, file, filepath.Join(dir, "x.cubin"), true)
		require.NoError(t, err)
	}
	require.NotEmpty(t, (&result{usage: u}).judge(), "a kernel squeezed into fewer registers spills")
}
