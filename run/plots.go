package run

import (
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// This file puts the pictures of a run into its directory: heatmap.go and curves.go draw them.

// Names below plots/.
const (
	distributionPlot = "distribution.png"
	curvesPlot       = "training.png"
)

// plot draws what there is to draw: the distribution only where it is known exactly.
func (d *Dir) plot(c Config, e *Evaluation) error {
	if err := os.MkdirAll(d.file(plotsName), 0o755); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	lines, err := ReadMetrics(d.Path)
	if err != nil {
		return err
	}
	if e.detail != nil {
		img, err := drawDistribution(c, e)
		if err != nil {
			return fmt.Errorf("run: %s: %w", distributionPlot, err)
		}
		if err := d.picture(distributionPlot, img); err != nil {
			return err
		}
	}
	if shown := curvesOf(lines, e); len(shown.TV)+len(shown.LogZ) > 0 {
		img, err := drawCurves(c, shown)
		if err != nil {
			return fmt.Errorf("run: %s: %w", curvesPlot, err)
		}
		return d.picture(curvesPlot, img)
	}
	return nil
}

func (d *Dir) picture(name string, img *vgimg.Canvas) error {
	return d.write(filepath.Join(plotsName, name), func(w io.Writer) error {
		_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
		return err
	})
}

// title is what a run's pictures are called.
func (c Config) title() (string, error) {
	w, err := c.wire()
	if err != nil {
		return "", err
	}
	return w.world.title(c.World) + ", " + w.balance.title, nil
}

const plotDPI = 144

// canvas is a white page of a size in points.
func canvas(width, height vg.Length) (*vgimg.Canvas, draw.Canvas) {
	img := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(plotDPI), vgimg.UseBackgroundColor(color.White))
	return img, draw.New(img)
}

var (
	ink    = color.NRGBA{R: 0x26, G: 0x2b, B: 0x33, A: 0xff}
	faint  = color.NRGBA{R: 0xe3, G: 0xe6, B: 0xea, A: 0xff}
	blue   = color.NRGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff}
	orange = color.NRGBA{R: 0xd9, G: 0x5f, B: 0x02, A: 0xff}
)

// newPlot is a plot in the house style: sans-serif, thin dark axes, no clutter.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	sans := func(f *font.Font, size vg.Length) { f.Typeface, f.Variant, f.Size = "Liberation", "Sans", size }
	p.Title.Text, p.Title.TextStyle.Color, p.Title.Padding = title, ink, vg.Points(6)
	sans(&p.Title.TextStyle.Font, 12)
	sans(&p.Legend.TextStyle.Font, 9)
	p.Legend.TextStyle.Color = ink
	p.X.Label.Text, p.Y.Label.Text = x, y
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		sans(&a.Label.TextStyle.Font, 10)
		sans(&a.Tick.Label.Font, 9)
		a.Label.TextStyle.Color, a.Tick.Label.Color, a.Color, a.Tick.Color = ink, ink, ink, ink
		a.Width, a.Tick.Width = vg.Points(.6), vg.Points(.6)
		a.Label.Padding, a.Padding = vg.Points(3), vg.Points(0)
	}
	return p
}

// text writes a line of text with its middle at x and its foot at y.
func text(c draw.Canvas, x, y vg.Length, size vg.Length, s string) {
	style := plot.New().Title.TextStyle
	style.Font.Typeface, style.Font.Variant, style.Font.Size = "Liberation", "Sans", size
	style.Color, style.XAlign, style.YAlign = ink, draw.XCenter, draw.YBottom
	c.FillText(style, vg.Point{X: x, Y: y}, s)
}

// ticks are another ticker's, with labels by format.
type ticks struct {
	plot.Ticker
	format func(float64) string
}

func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	list := t.Ticker.Ticks(lo, hi)
	for i := range list {
		if !list[i].IsMinor() {
			list[i].Label = t.format(list[i].Value)
		}
	}
	return list
}

// whole are labels at whole numbers, at most about ten of them.
type whole struct{ n int }

func (w whole) Ticks(_, _ float64) []plot.Tick {
	step := 1
	for _, s := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000} {
		if step = s; w.n/s <= 10 {
			break
		}
	}
	var list []plot.Tick
	for v := 0; v < w.n; v += step {
		list = append(list, plot.Tick{Value: float64(v), Label: fmt.Sprint(v)})
	}
	return list
}

// Pictures are the paths of the pictures in the directory.
func (d *Dir) Pictures() []string {
	var out []string
	for _, name := range []string{distributionPlot, curvesPlot} {
		path := d.file(filepath.Join(plotsName, name))
		if _, err := os.Stat(path); err == nil {
			out = append(out, path)
		}
	}
	return out
}

// drawn is whether nothing is left to draw: the curves come last.
func (d *Dir) drawn() bool {
	_, err := os.Stat(d.file(filepath.Join(plotsName, curvesPlot)))
	return err == nil
}
