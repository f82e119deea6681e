package plugintest

import "github.com/xrun-dev/xrun/plugins"

// someClasses and someNumbers are what an objective that asks for data is given: a small table whose target is a class, or a
// number.
var (
	someClasses = table("no", "yes")
	someNumbers = table()
)

func table(classes ...string) *plugins.Data {
	d := &plugins.Data{Inputs: []string{"age", "age=(missing)", "port=Cork"}, Classes: classes}
	for i, n := range []int{40, 12, 8} {
		rows := d.Parts()[i]
		x := draws(3*n, 5, uint64(i))
		for k := 0; k < len(x); k += 3 {
			x[k+1] = float64(k / 3 % 5 / 4) // indicators are 0 or 1
			x[k+2] = float64(k / 3 % 2)
			y := float64(2*x[k]) - x[k+1] + float64(0.5*x[k+2])
			if len(classes) > 0 && y > 0 {
				y = 1
			} else if len(classes) > 0 {
				y = 0
			}
			rows.Y = append(rows.Y, y)
		}
		rows.X = x
	}
	return d
}
