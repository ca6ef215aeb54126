package run

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// This file draws the learned distribution beside the true one, on one colour scale.

// viridis in nine colours: equal steps look equal, also in grey and to the colour-blind. van der Walt, Smith, matplotlib 2.0, CC0.
var viridis = []color.Color{
	color.NRGBA{R: 0x44, G: 0x01, B: 0x54, A: 255}, color.NRGBA{R: 0x47, G: 0x2d, B: 0x7b, A: 255},
	color.NRGBA{R: 0x3b, G: 0x52, B: 0x8b, A: 255}, color.NRGBA{R: 0x2c, G: 0x72, B: 0x8e, A: 255},
	color.NRGBA{R: 0x21, G: 0x91, B: 0x8c, A: 255}, color.NRGBA{R: 0x28, G: 0xae, B: 0x80, A: 255},
	color.NRGBA{R: 0x5e, G: 0xc9, B: 0x62, A: 255}, color.NRGBA{R: 0xad, G: 0xdc, B: 0x30, A: 255},
	color.NRGBA{R: 0xfd, G: 0xe7, B: 0x25, A: 255},
}

const heatColors = 256

// ruled is the largest side whose cells are set apart by lines.
const ruled = 40

// rules are thin white lines between the cells of a map.
type rules struct{ plane }

// Plot draws the lines; it makes rules a plot.Plotter.
func (r rules) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: color.NRGBA{R: 255, G: 255, B: 255, A: 70}, Width: vg.Points(.7)}
	right, top := x(float64(r.Width)-.5), y(float64(r.Height)-.5)
	for i := 1; i < r.Width; i++ {
		at := x(float64(i) - .5)
		c.StrokeLine2(style, at, y(-.5), at, top)
	}
	for i := 1; i < r.Height; i++ {
		at := y(float64(i) - .5)
		c.StrokeLine2(style, x(-.5), at, right, at)
	}
}

func drawDistribution(c Config, e *Evaluation) (*vgimg.Canvas, error) {
	title, err := c.title()
	if err != nil {
		return nil, err
	}
	learned, truth := marginal(e.detail, e.detail.Learned), marginal(e.detail, e.detail.True)
	top := max(learned.max(), truth.max())
	scale, err := moreland.NewLuminance(viridis)
	if err != nil {
		return nil, err
	}
	scale.SetMin(0)
	scale.SetMax(top)
	colors := scale.Palette(heatColors)

	const (
		side, gap, head, bar vg.Length = 262, 10, 34, 76
	)
	// The axes take 37 points to the left of each map and 57 above and below, so that cells come out square.
	img, page := canvas(2*(side+37)+gap+bar, side+57+head)
	page = draw.Crop(page, 6, -6, 6, -4)
	what := fmt.Sprintf("%s, after %s trajectories", title, group(e.Trajectories))
	text(page, (page.Min.X+page.Max.X)/2, page.Max.Y-16, 12, fmt.Sprintf("%s: total variation %s", what, number("%.2g", e.TV)))

	y := "second coordinate"
	if c.World.Dim == 1 {
		y = ""
	}
	left := heatPlot("learned", "first coordinate", y, learned, colors, top)
	right := heatPlot("true", "first coordinate", "", truth, colors, top)
	width := page.Max.X - page.Min.X
	maps := draw.Crop(page, 0, -bar, 0, -head+8)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: gap}
	areas := plot.Align([][]*plot.Plot{{left, right}}, tiles, maps)
	left.Draw(areas[0][0])
	right.Draw(areas[0][1])

	scalePlot := newPlot("", "", probabilityText(c))
	scalePlot.HideX()
	scalePlot.Y.Padding = 0
	scalePlot.Add(&plotter.ColorBar{ColorMap: scale, Vertical: true})
	// The bar stands as high as the maps: its area is cut to their data.
	data := right.DataCanvas(areas[0][1])
	scalePlot.Draw(draw.Crop(page, width-bar+6, -8, data.Min.Y-page.Min.Y, data.Max.Y-page.Max.Y))
	return img, nil
}

func heatPlot(title, x, y string, m plane, colors palette.Palette, top float64) *plot.Plot {
	p := newPlot(title, x, y)
	h := plotter.NewHeatMap(m, colors)
	h.Min, h.Max = 0, top
	p.Add(h)
	if max(m.Width, m.Height) <= ruled {
		p.Add(rules{m})
	} else {
		h.Rasterized = true // one image: rectangles would leave hairlines
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = whole{m.Width}, whole{m.Height}
	if m.Height == 1 {
		p.HideY()
	}
	return p
}

func gridTitle(c WorldConfig) string {
	if c.Dim == 2 {
		return fmt.Sprintf("%d × %d grid", c.Side, c.Side)
	}
	return fmt.Sprintf("grid of %d coordinates and side %d", c.Dim, c.Side)
}

func probabilityText(c Config) string {
	if c.World.Dim > 2 {
		return "probability, summed over the other coordinates"
	}
	return "probability"
}
