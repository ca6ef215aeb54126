package run

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// This file draws a run over its trajectories: total variation, and log Z with the true value as a dashed line.

// curves is what the picture shows.
type curves struct {
	TV, LogZ plotter.XYs
	LogZTrue *float64
	LogZName string
}

// curvesOf takes log Z from training where it is a parameter, else from the evaluations; where nothing is exact, the ELBO is
// drawn, which log Z is never below.
func curvesOf(lines []Line, e *Evaluation) curves {
	c := curves{LogZTrue: e.LogZTrue, LogZName: "learned log Z"}
	series := func(of func(Line) *float64) plotter.XYs {
		var out plotter.XYs
		for _, l := range lines {
			if v := of(l); v != nil {
				out = append(out, plotter.XY{X: float64(l.Trajectories), Y: *v})
			}
		}
		return out
	}
	c.TV = series(func(l Line) *float64 {
		if l.TV != nil && *l.TV <= 0 {
			return nil // the scale is logarithmic
		}
		return l.TV
	})
	c.LogZ = series(func(l Line) *float64 { return l.LogZ })
	if len(c.LogZ) == 0 {
		c.LogZ = series(func(l Line) *float64 { return l.EvalLogZ })
	}
	return c
}

func drawCurves(cfg Config, c curves) (*vgimg.Canvas, error) {
	title, err := cfg.title()
	if err != nil {
		return nil, err
	}
	logZ, err := logZPlot(c)
	if err != nil {
		return nil, err
	}
	plots := [][]*plot.Plot{{logZ}}
	if len(c.TV) > 0 {
		tv, err := tvPlot(c)
		if err != nil {
			return nil, err
		}
		plots = [][]*plot.Plot{{tv}, {logZ}}
	}
	const width, height, head vg.Length = 560, 190, 26
	img, page := canvas(width, height*vg.Length(len(plots))+head)
	text(page, (page.Min.X+page.Max.X)/2, page.Max.Y-20, 12, fmt.Sprintf("%s, seed %d", title, cfg.Seed))
	page = draw.Crop(page, 8, -20, 8, -head)
	tiles := draw.Tiles{Rows: len(plots), Cols: 1, PadY: 12}
	for i, row := range plot.Align(plots, tiles, page) {
		plots[i][0].Draw(row[0])
	}
	return img, nil
}

func tvPlot(c curves) (*plot.Plot, error) {
	p := newPlot("", "", "total variation")
	if err := addLine(p, c.TV, blue); err != nil {
		return nil, err
	}
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, ticks{plot.LogTicks{Prec: -1}, func(v float64) string { return fmt.Sprintf("%.3g", v) }}
	p.Y.Min, p.Y.Max = p.Y.Min/1.3, p.Y.Max*1.3
	finish(p)
	return p, nil
}

func logZPlot(c curves) (*plot.Plot, error) {
	p := newPlot("", "trajectories", "log Z")
	if len(c.LogZ) > 0 {
		if err := addLine(p, c.LogZ, blue); err != nil {
			return nil, err
		}
	}
	if c.LogZTrue != nil {
		truth := plotter.NewFunction(func(float64) float64 { return *c.LogZTrue })
		truth.Color, truth.Width, truth.Dashes = orange, vg.Points(1.2), []vg.Length{4, 3}
		p.Add(truth)
		p.Legend.Add(fmt.Sprintf("true log Z = %.4f", *c.LogZTrue), truth)
		lo, hi := min(p.Y.Min, *c.LogZTrue), max(p.Y.Max, *c.LogZTrue)
		p.Y.Min, p.Y.Max = lo-.05*(hi-lo), hi+.08*(hi-lo)
	}
	p.Legend.Padding, p.Legend.XOffs, p.Legend.YOffs = vg.Points(3), vg.Points(-8), vg.Points(8)
	finish(p)
	return p, nil
}

func addLine(p *plot.Plot, xy plotter.XYs, c interface {
	RGBA() (r, g, b, a uint32)
}) error {
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = faint, faint
	grid.Vertical.Width, grid.Horizontal.Width = vg.Points(.5), vg.Points(.5)
	l, err := plotter.NewLine(xy)
	if err != nil {
		return err
	}
	l.Color, l.Width = c, vg.Points(1.6)
	p.Add(grid, l)
	return nil
}

func finish(p *plot.Plot) {
	p.X.Tick.Marker = ticks{plot.DefaultTicks{}, func(v float64) string { return group(int64(v)) }}
	p.X.Min = 0
}
