package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// This file estimates an iteration: committed counters of each kernel (what a warp executes, what it moves), committed launches of an
// iteration, and a card. A launch takes
//
//	node + ramp + max(issue, chain, cache)
//	issue = instructions of the fullest multiprocessor's warps / (4 schedulers * plan)
//	chain = waves * instructions of a warp * cycles of an instruction when the warp is alone
//	cache = max(sectors * 32 bytes / rate of the first-level caches, 3 * bytes written / rate of the second-level cache)
//
// and launches follow each other. A gradient takes no less than its bias's chain, which has blocks of its own; walk, which goes through
// the steps of a rollout by itself, is in steps.go. Instructions are those of the PTX, of which the machine's code has 0.8 to 1.5 times as many; of the tiled products,
// where that matters, the multiply-adds over the share they have in the inner loop. Three times what is written: row kernels read about
// two values for one they write; weights are found in the first-level cache.

// card is an H100 SXM.
var card = struct {
	multiprocessors, registers, threads, blocks float64
	clock                                       float64 // Hz, held under load; 132 * 128 lanes * 2 * clock * plan is 50 TFLOP/s of 67
	plan                                        float64 // instructions a scheduler issues a cycle at best
	first, second, memory                       float64 // bytes/s of the caches and of device memory, as seen and not as sold
	tensor                                      float64 // operations/s of cuBLAS in TF32 at such sizes
	node, ramp                                  float64 // seconds: of a graph's node, and of three loads one after the other: which rows, where, what
}{132, 65536, 2048, 32, 1.755e9, .85, 132 * 128 * 1.755e9, 5.5e12, 3.0e12, 250e12, 2e-6, .5e-6}

// alone is the cycles from one instruction of a warp to its next when no other warp is there to fill in: by how many independent
// chains a thread has. Tiles of 8x8 have 64, small products 4 to 16 beside their loads, all else about one.
func alone(kernel string) float64 {
	switch {
	case tiled.MatchString(kernel):
		return 1.3
	case strings.HasPrefix(kernel, "linear"):
		return 2.5
	}
	return 5
}

// counters are a line of cuda/kernel/testdata/costs.txt, a warp of it.
type counters struct {
	kernel, shape                 string
	instructions, sectors, stored float64
	multiplies                    float64 // fused multiply-adds
	rows                          float64 // of the launch
}

// launched is a line of cuda/testdata/launches.txt.
type launched struct {
	mode, entry, kernel, shape string
	blocks, threads, count     int
}

// timed is a launch and its time.
type timed struct {
	launched
	seconds float64 // of one launch, without its node
	bound   string
}

func (o *options) estimate(w io.Writer) error {
	costs, err := readCosts(filepath.Join(o.root, "cuda/kernel/testdata/costs.txt"))
	if err != nil {
		return err
	}
	list, err := readLaunches(filepath.Join(o.root, "cuda/testdata/launches.txt"))
	if err != nil {
		return err
	}
	regs, err := o.committed()
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	for _, mode := range []string{"deterministic", "fast"} {
		var of []timed
		for _, l := range list {
			if l.mode != mode {
				continue
			}
			t, err := l.time(costs, regs)
			if err != nil {
				return err
			}
			of = append(of, t)
		}
		report(b, mode, of)
	}
	return b.Flush()
}

// time is the launch's, by the model above.
func (l launched) time(costs []counters, regs *table) (timed, error) {
	t := timed{launched: l}
	switch l.kernel {
	case "cublas": // shape is m x k x n, blocks the products of the batch
		var m, k, n float64
		if _, err := fmt.Sscanf(l.shape, "%gx%gx%g", &m, &k, &n); err != nil {
			return t, err
		}
		batch := float64(l.blocks)
		t.longest("tensor", 2*m*k*n*batch/card.tensor)
		t.longest("cache", 4*(m*k+m*n+k*n)*batch/card.second)
		t.seconds += card.ramp
		return t, nil
	case "walk":
		return l.steps(costs)
	case "fill":
		words, err := strconv.ParseFloat(l.shape, 64)
		t.longest("memory", 4*words/card.memory)
		return t, err
	}
	i := slices.IndexFunc(costs, func(c counters) bool { return c.kernel == l.kernel && c.shape == l.shape })
	for _, like := range []string{l.shape[:1], ""} { // 0x5 is like 0x256, and one shape is better than none
		if i < 0 {
			i = slices.IndexFunc(costs, func(c counters) bool { return c.kernel == l.kernel && strings.HasPrefix(c.shape, like) })
		}
	}
	if i < 0 || regs.registers[l.kernel] == nil {
		return t, fmt.Errorf("nothing is known of kernel %q", l.kernel)
	}
	c := costs[i]
	warps, blocks := float64(l.threads)/32, float64(l.blocks)
	if b := l.biasBlocks(); b > 0 { // short ones beside the tiles: their work is counted with the tiles'
		c.instructions *= blocks / (blocks - b)
		c.sectors *= blocks / (blocks - b)
		c.stored *= blocks / (blocks - b)
		blocks -= b
	}
	// Registers are given to a warp by the 256; shared memory never limits before they do.
	perThread := float64((regs.registers[l.kernel][target{"13.5", 90}] + 7) &^ 7)
	resident := max(1, min(card.blocks, card.threads/float64(l.threads), floor(card.registers/(perThread*float64(l.threads)))))
	perMultiprocessor := ceil(blocks / card.multiprocessors)
	schedulers := ceil(perMultiprocessor * warps / 4) // warps that the busiest one has in all
	t.longest("issue", schedulers*c.instructions/card.plan/card.clock)
	t.longest("chain", ceil(perMultiprocessor/resident)*c.instructions*alone(l.kernel)/card.clock)
	t.longest("cache", blocks*warps*max(c.sectors*32/card.first, 3*c.stored/card.second))
	if strings.Contains(l.kernel, "_grad") { // beside the tiles goes a bias, in a chain of its own
		i := slices.IndexFunc(costs, func(c counters) bool {
			return c.kernel == "gather_grad" && strings.HasPrefix(c.shape, "0") && strings.Contains(c.shape, "gate") == strings.Contains(l.shape, "gate")
		})
		t.longest("bias", costs[max(i, 0)].instructions*alone("gather_grad")/card.clock)
	}
	t.seconds += card.ramp
	return t, nil
}

// biasBlocks is how many blocks of a product's gradient have the bias instead of a tile, or in a launch of several nothing.
func (l launched) biasBlocks() float64 {
	var m0, n0, widest, tiles float64
	switch _, err := fmt.Sscanf(l.kernel, "linear_grad_%gx%g", &m0, &n0); {
	case err == nil:
	case l.kernel == "linear_grad_narrow":
		n0 = 16
	default:
		return 0
	}
	shapes := strings.Split(l.shape, "+")
	for _, s := range shapes {
		var k, n float64
		if _, err := fmt.Sscanf(s, "%gx%g", &k, &n); err != nil {
			return 0
		}
		bias := ceil(n / float64(l.threads))
		if n0 == 16 { // a thread has four columns
			for m0 = float64(l.threads); n > 4; n /= 2 {
				m0 /= 2
			}
			n = n0
		}
		t := ceil(k/m0) * ceil(n/n0)
		widest, tiles = max(widest, t+bias), tiles+t
	}
	return float64(l.blocks) * (1 - tiles/(widest*float64(len(shapes))))
}

func (t *timed) longest(bound string, seconds float64) {
	if seconds > t.seconds {
		t.bound, t.seconds = bound, seconds
	}
}

func ceil(x float64) float64 {
	if y := floor(x); y == x {
		return x
	} else {
		return y + 1
	}
}

func floor(x float64) float64 { return float64(int(x)) }

// report is one mode in Markdown: what takes a hundredth of the time or more, then the entries.
func report(w io.Writer, mode string, list []timed) {
	cost := func(t timed) float64 { return float64(t.count) * (card.node + t.seconds) }
	slices.SortStableFunc(list, func(a, b timed) int { return cmp.Compare(cost(b), cost(a)) })
	total, launches := 0.0, 0
	entries, names := map[string][2]float64{}, []string{"rollout", "close", "backward", "sums", "update"}
	for _, t := range list {
		total += cost(t)
		launches += t.count
		e := entries[t.entry]
		entries[t.entry] = [2]float64{e[0] + float64(t.count), e[1] + cost(t)}
	}
	fmt.Fprintf(w, "**%s: %.1f ms an iteration, %d nodes of which %.1f ms are the nodes themselves**\n\n", mode, 1e3*total, launches, 1e3*card.node*float64(launches))
	fmt.Fprintf(w, "| entry | kernel | shape | launches | us each | bound by | ms |\n|---|---|---|---|---|---|---|\n")
	rest := total
	for _, t := range list {
		if c := cost(t); c >= total/100 {
			fmt.Fprintf(w, "| %s | %s | %s | %d | %.1f | %s | %.2f |\n", t.entry, t.kernel, t.shape, t.count, 1e6*t.seconds, t.bound, 1e3*c)
			rest -= c
		}
	}
	fmt.Fprintf(w, "| all others | | | | | | %.2f |\n\n", 1e3*rest)
	for i, n := range names {
		sep := ", "
		if i == 0 {
			sep = ""
		}
		fmt.Fprintf(w, "%s%s %.2f ms (%.0f)", sep, n, 1e3*entries[n][1], entries[n][0])
	}
	fmt.Fprintf(w, ".\n\n")
}

// fields calls each for the words of every line that is no comment.
func fields(path string, words int, each func(f []string, numbers []float64)) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.Fields(l)
		var numbers []float64
		for _, s := range f[min(words, len(f)):] {
			n, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
			numbers = append(numbers, n)
		}
		if len(numbers) < 3 {
			return fmt.Errorf("%s:%d: %q is no line of this table", path, i+1, l)
		}
		each(f, numbers)
	}
	return nil
}

func readCosts(path string) (list []counters, err error) {
	err = fields(path, 2, func(f []string, n []float64) {
		c := counters{f[0], f[1], n[3] / n[2], n[8] / n[2], n[7] / n[2], n[5] / 32 / n[2], n[0]}
		if strings.HasPrefix(c.kernel, "linear") && tiled.MatchString(c.kernel) && n[5]/32 > n[3]/2 { // with an inner width that fills the loop
			c.instructions = n[5] / 32 / n[2] / leastShare
		}
		list = append(list, c)
	})
	return list, err
}

func readLaunches(path string) (list []launched, err error) {
	err = fields(path, 4, func(f []string, n []float64) {
		list = append(list, launched{f[0], f[1], f[2], f[3], int(n[0]), int(n[1]), int(n[2])})
	})
	return list, err
}
