package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// This file runs the assembler and reads its report.

// target is an architecture and the release that assembles for it.
type target struct {
	release string // of CUDA
	arch    int    // 90 is sm_90
}

func (t target) String() string { return fmt.Sprintf("%s sm_%d", t.release, t.arch) }

// The first CUDA 13 dropped sm_70; both releases read the same file.
var targets = []target{
	{"12.9", 70}, {"12.9", 75}, {"12.9", 80}, {"12.9", 86}, {"12.9", 89}, {"12.9", 90}, {"12.9", 100}, {"12.9", 103}, {"12.9", 120},
	{"13.5", 75}, {"13.5", 80}, {"13.5", 86}, {"13.5", 89}, {"13.5", 90}, {"13.5", 100}, {"13.5", 103}, {"13.5", 120},
}

// usage is what the assembler says of a kernel.
type usage struct {
	kernel                                       string
	registers, shared, barriers                  int
	stack, spillStores, spillLoads, localOfOther int // bytes
}

func (t tools) ptxas(release string) string {
	if release == "12.9" {
		return t.ptxas12
	}
	return t.ptxas13
}

// assemble writes the binary; fmad lets the assembler contract what the text has not rounded. extra are more flags.
func (t tools) assemble(to target, ptx, cubin string, fmad bool, extra ...string) ([]usage, error) {
	args := append([]string{"-v", "-arch=sm_" + strconv.Itoa(to.arch), "-fmad=" + strconv.FormatBool(fmad), ptx, "-o", cubin}, extra...)
	text, err := exec.Command(t.ptxas(to.release), args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", to, err, text)
	}
	return readReport(text)
}

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	frame     = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	used      = regexp.MustCompile(`Used (\d+) registers`)
	barriers  = regexp.MustCompile(`used (\d+) barriers`)
	shared    = regexp.MustCompile(`(\d+) bytes smem`)
	local     = regexp.MustCompile(`(\d+) bytes lmem`)
)

var errReport = errors.New("the assembler's report has another form")

// readReport reads the lines of -v. Every kernel must be told of whole: a report that changed its form is no pass.
func readReport(text []byte) ([]usage, error) {
	var out []usage
	framed, counted := 0, 0
	number := func(re *regexp.Regexp, l []byte) int {
		m := re.FindSubmatch(l)
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(string(m[1])) // digits
		return n
	}
	for l := range bytes.Lines(text) {
		if m := compiling.FindSubmatch(l); m != nil {
			out = append(out, usage{kernel: string(m[1])})
		}
		if len(out) == 0 {
			continue
		}
		u := &out[len(out)-1]
		if m := frame.FindSubmatch(l); m != nil {
			framed++
			for i, to := range []*int{&u.stack, &u.spillStores, &u.spillLoads} {
				*to, _ = strconv.Atoi(string(m[i+1]))
			}
		}
		if used.Match(l) {
			counted++
			u.registers, u.barriers, u.shared, u.localOfOther = number(used, l), number(barriers, l), number(shared, l), number(local, l)
		}
	}
	if len(out) == 0 || framed != len(out) || counted != len(out) {
		return nil, fmt.Errorf("%w: %d kernels, %d stack frames, %d register counts", errReport, len(out), framed, counted)
	}
	return out, nil
}

// disassemble is the binary's code as text.
func (t tools) disassemble(cubin string) ([]byte, error) {
	cmd := exec.Command(t.disasm, "-c", cubin)
	var failure bytes.Buffer
	cmd.Stderr = &failure // it always warns of something
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("nvdisasm: %w\n%s", err, failure.Bytes())
	}
	return text, nil
}

// result is a target's outcome.
type result struct {
	target
	usage []usage
	code  []function // none for sm_70, which the disassembler does not know
	fused bool       // allowing contraction changed the code
}

// examine assembles the text twice for a target, contraction allowed and not.
func (t tools) examine(to target, ptx, dir string) (r result, err error) {
	r.target = to
	var text [2][]byte
	for i, fmad := range []bool{true, false} {
		cubin := filepath.Join(dir, fmt.Sprintf("%s-%d-%v.cubin", to.release, to.arch, fmad))
		u, err := t.assemble(to, ptx, cubin, fmad)
		if err != nil {
			return r, err
		}
		if fmad {
			r.usage = u
		}
		if to.arch < 75 {
			text[i], err = os.ReadFile(cubin)
		} else {
			// Binaries of some targets hold the command line, so code is compared.
			text[i], err = t.disassemble(cubin)
		}
		if err = errors.Join(err, os.Remove(cubin)); err != nil {
			return r, err
		}
	}
	if r.fused = !bytes.Equal(text[0], text[1]); to.arch >= 75 {
		r.code, err = readCode(text[0])
	}
	return r, err
}
