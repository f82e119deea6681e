package plugins

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

// serveVillain serves gradient descent that does at its third step what its setting says, and a
// penalty that is not a number.
func serveVillain() {
	sdk.Serve(plugins.Manifest{Name: "villain", Version: "0", Components: []plugins.Component{
		plugins.NewOptimizer(plugins.Spec{Name: "villain", Settings: []plugins.Setting{
			plugins.ChoiceSetting("does", "what goes wrong", "nothing", "crash", "hang", "flood", "chatter", "slow", "nan", "memory"),
		}}, newVillain[float32], newVillain[float64]),
		plugins.NewRegularizer(plugins.Spec{Name: "unnumbered"}, newUnnumbered[float32], newUnnumbered[float64]),
	}})
}

type villain[F plugins.Float] struct {
	does  string
	steps int
	eaten [][]byte
}

func newVillain[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &villain[F]{does: in.Settings.Choice("does")}, nil
}

func (v *villain[F]) Step(params, grad []F, lr F) error {
	if v.steps++; v.steps == 3 {
		switch v.does {
		case "crash":
			panic(v.abroad())
		case "hang":
			fmt.Fprintln(os.Stderr, "the villain waits")
			time.Sleep(time.Hour)
		case "flood":
			fmt.Fprint(os.Stderr, strings.Repeat("x", 1<<20))
			fmt.Fprintln(os.Stderr, "\nthe villain leaves")
			os.Exit(9)
		case "chatter":
			fmt.Fprint(os.Stderr, strings.Repeat("x", 1<<20), "\n", `{"@message": 5}`, "\n")
		case "slow":
			time.Sleep(100 * time.Millisecond)
		case "memory":
			for {
				piece := make([]byte, 64<<20)
				for i := 0; i < len(piece); i += 4096 {
					piece[i] = 1
				}
				v.eaten = append(v.eaten, piece)
			}
		}
	}
	for i, g := range grad {
		params[i] -= F(lr * g)
	}
	if v.does == "nan" && v.steps >= 3 {
		params[0] = F(math.NaN())
	}
	return nil
}

// abroad panics where nobody can recover it.
func (v *villain[F]) abroad() string {
	go panic("the villain panics")
	time.Sleep(time.Minute)
	return ""
}

type unnumbered[F plugins.Float] struct{}

func newUnnumbered[F plugins.Float](plugins.Instance) (plugins.Regularizer[F], error) {
	return unnumbered[F]{}, nil
}

func (unnumbered[F]) Value([]F) F          { return F(math.NaN()) }
func (unnumbered[F]) AddGradient(_, _ []F) {}
