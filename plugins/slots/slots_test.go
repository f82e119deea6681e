package slots_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/slots"
)

const dim = 6

var layout = plugins.Layout{
	{Name: "W", Shape: []int{2, 2}, Role: plugins.RoleWeight, Penalized: true},
	{Name: "b", Shape: []int{2}, Role: plugins.RoleBias, Offset: 4},
}

// variants are the settings under which a component keeps state of different kinds.
func variants(name string) []plugins.Settings {
	all := []plugins.Settings{nil}
	switch name {
	case "sgd":
		all = append(all, plugins.Settings{"momentum": plugins.Real(0.9), "dampening": plugins.Real(0.5)},
			plugins.Settings{"momentum": plugins.Real(0.9), "nesterov": plugins.Flag(true), "weight_decay": plugins.Real(0.1)},
			plugins.Settings{"momentum": plugins.Real(0.9), "convention": plugins.Choice("keras")})
	case "rmsprop":
		all = append(all, plugins.Settings{"momentum": plugins.Real(0.9), "centered": plugins.Flag(true)},
			plugins.Settings{"momentum": plugins.Real(0.9), "convention": plugins.Choice("keras")},
			plugins.Settings{"bias_correction": plugins.Flag(true), "initial": plugins.Real(1), "convention": plugins.Choice("optax")})
	case "adam", "amsgrad", "adamax", "nadam", "radam", "lion":
		all = append(all, plugins.Settings{"weight_decay": plugins.Real(0.1)})
	case "adafactor":
		all = append(all, plugins.Settings{"factor_from": plugins.Integer(3)}, plugins.Settings{"convention": plugins.Choice("keras")})
	case "lars":
		all = append(all, plugins.Settings{"nesterov": plugins.Flag(true), "weight_decay": plugins.Real(0.1)})
	case "lamb", "schedule_free_sgd", "adabelief":
		all = append(all, plugins.Settings{"weight_decay": plugins.Real(0.1)})
	case "signum":
		all = append(all, plugins.Settings{"momentum": plugins.Real(0.9)})
	case "schedule_free_adamw":
		all = append(all, plugins.Settings{"convention": plugins.Choice("keras"), "r": plugins.Real(0.5)})
	case "prodigy", "dadapt_adam":
		all = append(all, plugins.Settings{"d0": plugins.Real(0.1), "bias_correction": plugins.Flag(true)})
	case "yogi":
		all = append(all, plugins.Settings{"convention": plugins.Choice("optax")})
	case "muon":
		all = append(all, plugins.Settings{"convention": plugins.Choice("keras")}, plugins.Settings{"convention": plugins.Choice("optax")})
	case "sam":
		all = append(all, plugins.Settings{"adaptive": plugins.Flag(true)})
	case "adamw":
		all = append(all, plugins.Settings{"weight_decay": plugins.Real(0.1)}, plugins.Settings{"decay_coupling": plugins.Choice("schedule")})
	case "adagrad":
		all = append(all, plugins.Settings{"lr_decay": plugins.Real(0.1), "initial": plugins.Real(0.5)})
	case "ftrl":
		all = append(all, plugins.Settings{"l1": plugins.Real(0.1), "l2": plugins.Real(0.1), "lr_power": plugins.Real(-0.8)})
	case "l1", "l2", "elastic_net":
		all = append(all, plugins.Settings{"mode": plugins.Choice("proximal")})
	}
	return all
}

// conventions are those of an optimizer, which may keep what its default one does not.
func conventions(c plugins.Component) []plugins.Settings {
	var all []plugins.Settings
	for _, convention := range c.Conventions {
		if c.Kind == plugins.KindOptimizer {
			all = append(all, plugins.Settings{plugins.SettingConvention: plugins.Choice(convention.Name)})
		}
	}
	return all
}

func open(t *testing.T, c plugins.Component, dtype plugins.DType, settings plugins.Settings) slots.Session {
	t.Helper()
	s, err := slots.Open(c, dtype, []slots.Slot{{Number: 0, Instance: plugins.Instance{Settings: settings, Layout: layout, Lambda: 3, Examples: 7, LR: 0.1, Seed: 5}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// memory is params or a gradient of a step, the same every time.
func memory(dtype plugins.DType, step int) []byte {
	b := protocol.Aligned(dim * dtype.Size())
	for i := range dim {
		x := math.Sin(float64(1 + i + 10*step))
		if dtype == plugins.Float32 {
			binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(float32(x)))
		} else {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(x))
		}
	}
	return b
}

// steps runs what one component does in a step, for steps from up to to.
func steps(t *testing.T, s slots.Session, kind plugins.Kind, dtype plugins.DType, params []byte, from, to int) {
	t.Helper()
	for step := from; step < to; step++ {
		ops := []slots.Op{slots.Step}
		if kind == plugins.KindRegularizer {
			ops = []slots.Op{slots.Penalize, slots.Value, slots.Prox}
		}
		for _, op := range ops {
			with := slots.Scalars{Rate: 0.1, Loss: math.Cos(float64(step))}
			_, err := s.Run(op, 0, params, memory(dtype, step), with)
			for call := 1; errors.Is(err, plugins.ErrAgain); call++ {
				with.Loss = math.Cos(float64(step + 100*call))
				_, err = s.Run(op, 0, params, memory(dtype, step+100*call), with)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestRestoredIsUninterrupted(t *testing.T) {
	for _, c := range builtin.Manifest("test").Components {
		for _, dtype := range []plugins.DType{plugins.Float32, plugins.Float64} {
			for i, settings := range append(variants(c.Name), conventions(c)...) {
				t.Run(fmt.Sprint(c.Name, " ", dtype, " ", i), func(t *testing.T) {
					params := memory(dtype, 0)
					whole := open(t, c, dtype, settings)
					steps(t, whole, c.Kind, dtype, params, 1, 5)
					saved, err := whole.Save(0)
					if err != nil {
						t.Fatal(err)
					}
					resumed := append(protocol.Aligned(len(params))[:0], params...)
					steps(t, whole, c.Kind, dtype, params, 5, 12)

					other := open(t, c, dtype, settings)
					steps(t, other, c.Kind, dtype, memory(dtype, 3), 1, 3) // what it remembers is replaced
					if err := other.Restore(0, saved); err != nil {
						t.Fatal(err)
					}
					again, err := other.Save(0)
					if err != nil || !bytes.Equal(again, saved) {
						t.Errorf("what was restored is saved as other bytes: %v", err)
					}
					steps(t, other, c.Kind, dtype, resumed, 5, 12)
					if !bytes.Equal(resumed, params) {
						t.Errorf("restored after 4 steps: parameters %x, uninterrupted %x", resumed, params)
					}
				})
			}
		}
	}
}

func find(t *testing.T, name string) plugins.Component {
	t.Helper()
	for _, c := range builtin.Manifest("test").Components {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no component %q", name)
	return plugins.Component{}
}

func TestDamagedStateIsRefused(t *testing.T) {
	adam := find(t, "adam")
	source := open(t, adam, plugins.Float64, nil)
	steps(t, source, adam.Kind, plugins.Float64, memory(plugins.Float64, 0), 1, 4)
	saved, err := source.Save(0)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, c plugins.Component, dtype plugins.DType, state []byte) {
		t.Helper()
		s := open(t, c, dtype, nil)
		if err := s.Restore(0, state); err == nil || !strings.Contains(err.Error(), "restore slot 0: saved state is damaged or of another component") {
			t.Errorf("%s: error %v", what, err)
		}
	}
	for i := range saved {
		damaged := bytes.Clone(saved)
		damaged[i] ^= 0x40
		refuse(fmt.Sprint("byte ", i), adam, plugins.Float64, damaged)
	}
	for n := range saved {
		refuse(fmt.Sprint(n, " bytes"), adam, plugins.Float64, saved[:n])
	}
	refuse("nothing", adam, plugins.Float64, nil)
	refuse("another type of element", adam, plugins.Float32, saved)
	refuse("another component", find(t, "sgd"), plugins.Float64, saved)
	refuse("one without state", find(t, "l2"), plugins.Float64, saved)

	// Well formed, but too short or too long for the component: the checksum is right.
	sealed := func(body []byte) []byte {
		return binary.LittleEndian.AppendUint64(bytes.Clone(body), uint64(crc32.ChecksumIEEE(body)))
	}
	body := saved[:len(saved)-8]
	if s := open(t, adam, plugins.Float64, nil); s.Restore(0, sealed(body[:len(body)-8])) == nil {
		t.Error("a state with a vector cut short was restored")
	}
	refuse("more than there is room for", adam, plugins.Float64, sealed(append(bytes.Clone(body), make([]byte, 8)...)))
}

// faulty panics or reports an error, by its slot's seed.
type faulty struct{ seed uint64 }

func (f *faulty) Step(params, _ []float64, _ float64) error {
	switch f.seed {
	case 1:
		panic("out of order")
	case 2:
		return errors.New("no more")
	}
	params[0]++
	return nil
}

func TestAFaultySlotHarmsNoOther(t *testing.T) {
	c := plugins.NewOptimizer(plugins.Spec{Name: "faulty"}, nil, func(in plugins.Instance) (plugins.Optimizer[float64], error) {
		if in.Seed == 3 {
			panic("does not even start")
		}
		return &faulty{in.Seed}, nil
	})
	slot := func(number int, seed uint64) slots.Slot {
		return slots.Slot{Number: number, Instance: plugins.Instance{Layout: layout, Seed: seed}}
	}
	s, err := slots.Open(c, plugins.Float64, []slots.Slot{slot(0, 0), slot(1, 1), slot(4, 2)})
	if err != nil {
		t.Fatal(err)
	}
	params, grad := memory(plugins.Float64, 0), memory(plugins.Float64, 1)
	for range 2 {
		_, err = s.Run(slots.Step, 1, params, grad, slots.Scalars{Rate: 1})
		var panicked *slots.PanicError
		if !errors.As(err, &panicked) || panicked.Value != "out of order" || !strings.Contains(panicked.Stack, "slots_test.go") {
			t.Errorf("a panic became %v; want a PanicError with the stack", err)
		}
		if _, err := s.Run(slots.Step, 4, params, grad, slots.Scalars{Rate: 1}); err == nil || err.Error() != "no more" {
			t.Errorf("an error became %v", err)
		}
		if _, err := s.Run(slots.Step, 0, params, grad, slots.Scalars{Rate: 1}); err != nil {
			t.Errorf("the healthy slot: %v", err)
		}
	}
	for what, run := range map[string]func() error{
		"an unused slot":      func() error { _, err := s.Run(slots.Step, 2, params, grad, slots.Scalars{Rate: 1}); return err },
		"no slot":             func() error { _, err := s.Run(slots.Step, 99, params, grad, slots.Scalars{Rate: 1}); return err },
		"a negative slot":     func() error { _, err := s.Run(slots.Step, -1, params, grad, slots.Scalars{Rate: 1}); return err },
		"a short gradient":    func() error { _, err := s.Run(slots.Step, 0, params, grad[:8], slots.Scalars{Rate: 1}); return err },
		"short parameters":    func() error { _, err := s.Run(slots.Step, 0, params[:8], grad, slots.Scalars{Rate: 1}); return err },
		"another's operation": func() error { _, err := s.Run(slots.Penalize, 0, params, grad, slots.Scalars{Rate: 1}); return err },
		"no operation":        func() error { _, err := s.Run(77, 0, params, grad, slots.Scalars{Rate: 1}); return err },
		"a save of no slot":   func() error { _, err := s.Save(3); return err },
	} {
		if run() == nil {
			t.Errorf("%s: no error", what)
		}
	}
	var panicked *slots.PanicError
	if _, err := slots.Open(c, plugins.Float64, []slots.Slot{slot(0, 3)}); !errors.As(err, &panicked) {
		t.Errorf("a panic of a constructor became %v", err)
	}
	if _, err := slots.Open(c, plugins.Float32, []slots.Slot{slot(0, 0)}); err == nil || !strings.Contains(err.Error(), "no constructor for float32") {
		t.Errorf("without a constructor: %v", err)
	}
	if _, err := slots.Open(c, "float16", []slots.Slot{slot(0, 0)}); err == nil {
		t.Error("float16 was opened")
	}
}

// A gain or a coefficient that is no number that penalties can be scaled by is an error, not 1.
func TestNumbersThatComponentsTellAreChecked(t *testing.T) {
	for _, gain := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0} {
		c := plugins.NewOptimizer(plugins.Spec{Name: "settler"}, func(plugins.Instance) (plugins.Optimizer[float32], error) {
			return settler[float32]{gain}, nil
		}, func(plugins.Instance) (plugins.Optimizer[float64], error) { return settler[float64]{gain}, nil })
		_, err := slots.Open(c, plugins.Float64, []slots.Slot{{}})
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("settler says that its gain is %v", gain)) {
			t.Errorf("a gain of %v: %v", gain, err)
		}
	}
	if err := slots.CheckGain("settler", 1e-300); err != nil {
		t.Error(err)
	}
	if err := slots.CheckCoefficients("r", map[string]float64{"l1": 1, "l2": math.NaN()}); err == nil || !strings.Contains(err.Error(), "part l2 is NaN") {
		t.Errorf("a coefficient of NaN: %v", err)
	}
}

type settler[F plugins.Float] struct{ gain float64 }

func (settler[F]) Step([]F, []F, F) error { return nil }
func (s settler[F]) Gain() float64        { return s.gain }
