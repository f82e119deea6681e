package elementary

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

const precision = 240

func float(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }
func zero() *big.Float           { return new(big.Float).SetPrec(precision) }

// exactExp is eˣ from its series, of x/2⁴⁰⁰… halved until it is small.
func exactExp(x *big.Float) *big.Float {
	halvings := 0
	small := zero().Set(x)
	for small.Sign() != 0 && small.MantExp(nil) > -20 {
		small.Quo(small, float(2))
		halvings++
	}
	sum, term := float(1), float(1)
	for i := 1.0; i < 20; i++ {
		term.Quo(zero().Mul(term, small), float(i))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// exactLog solves eʸ = x by Newton's method.
func exactLog(x *big.Float) *big.Float {
	mantissa := zero()
	exponent := x.MantExp(mantissa)
	guess, _ := mantissa.Float64()
	y := float(math.Log(guess))
	for range 4 {
		e := exactExp(y)
		y.Sub(y, zero().Quo(zero().Sub(e, mantissa), e))
	}
	return y.Add(y, zero().Mul(float(float64(exponent)), ln2))
}

var ln2 = func() *big.Float {
	y := float(math.Ln2)
	for range 4 {
		e := exactExp(y)
		y.Sub(y, zero().Quo(zero().Sub(e, float(2)), e))
	}
	return y
}()

var pi = func() *big.Float { // 16·arctan 1/5 − 4·arctan 1/239 (Machin)
	arctan := func(n float64) *big.Float {
		sum, power := zero(), zero().Quo(float(1), float(n))
		for i := 1.0; i < 250; i += 2 {
			term := zero().Quo(power, float(i))
			if int(i)%4 == 1 {
				sum.Add(sum, term)
			} else {
				sum.Sub(sum, term)
			}
			power.Quo(power, float(n*n))
		}
		return sum
	}
	return zero().Sub(zero().Mul(float(16), arctan(5)), zero().Mul(float(4), arctan(239)))
}()

// exactSin is sin x from its series, for small x.
func exactSin(x *big.Float) *big.Float {
	sum, term, square := zero().Set(x), zero().Set(x), zero().Mul(x, x)
	for i := 2.0; i < 80; i += 2 {
		term.Neg(zero().Quo(zero().Mul(term, square), float(i*(i+1))))
		sum.Add(sum, term)
	}
	return sum
}

// units is the error of got in units of the last place of want, in a precision of 53 or 24 bits.
func units(got float64, want *big.Float, bits int) float64 {
	ulp := math.Ldexp(1, max(want.MantExp(nil)-bits, map[int]int{53: -1074, 24: -149}[bits]))
	d, _ := zero().Sub(float(got), want).Float64()
	return math.Abs(d) / ulp
}

type worst struct {
	t    *testing.T
	at   float64
	most float64
}

func (w *worst) see(x, error float64) {
	if error > w.most || error != error {
		w.at, w.most = x, error
	}
}

func (w *worst) below(limit float64) {
	w.t.Helper()
	w.t.Logf("the largest error is %.3f units in the last place, at %v", w.most, w.at)
	if !(w.most < limit) {
		w.t.Errorf("the error at %v is %v units in the last place, want less than %v", w.at, w.most, limit)
	}
}

func draws(n int) func(func(*rand.Rand) bool) {
	return func(yield func(*rand.Rand) bool) {
		rng := rand.New(rand.NewPCG(7, 8))
		for range n {
			if !yield(rng) {
				return
			}
		}
	}
}

func TestExp(t *testing.T) {
	w, w32 := worst{t: t}, worst{t: t}
	for rng := range draws(20_000) {
		x := -math.Exp(rng.Float64()*24 - 17.5)
		if x >= Lowest64 {
			w.see(x, units(Exp(x), exactExp(float(x)), 53))
		}
		if y := float32(x); y >= Lowest32 {
			w32.see(x, units(float64(Exp(y)), exactExp(float(float64(y))), 24))
		}
	}
	w.below(1)
	w32.below(1)
	for x, want := range map[float64]float64{0: 1, math.Copysign(0, -1): 1, math.Inf(-1): 0, -709: 0, -1e300: 0} {
		if Exp(x) != want || Exp(float32(x)) != float32(want) {
			t.Errorf("the exponential of %v is %v and %v, want %v", x, Exp(x), Exp(float32(x)), want)
		}
	}
	if x := Exp(math.NaN()); x == x {
		t.Errorf("the exponential of no number is %v", x)
	}
}

func TestLog(t *testing.T) {
	w, small, one := worst{t: t}, worst{t: t}, worst{t: t}
	for rng := range draws(10_000) {
		x := math.Ldexp(1+rng.Float64(), rng.IntN(2040)-1020)
		w.see(x, units(Log(x), exactLog(float(x)), 53))
		x = 0.5 + rng.Float64()
		w.see(x, units(Log(x), exactLog(float(x)), 53))
		x = float64(1+rng.Uint64N(1<<51)) * 0x1p-1074
		small.see(x, units(Log(x), exactLog(float(x)), 53))
		x = math.Exp(rng.Float64()*80 - 60)
		one.see(x, units(Log1p(x), exactLog(zero().Add(float(1), float(x))), 53))
	}
	w.below(1.5)
	small.below(1.5)
	one.below(2)
	for x, want := range map[float64]float64{0: math.Inf(-1), 1: 0, math.Inf(1): math.Inf(1)} {
		if Log(x) != want {
			t.Errorf("the logarithm of %v is %v, want %v", x, Log(x), want)
		}
	}
	if Log(-1) == Log(-1) || Log(math.NaN()) == Log(math.NaN()) || Log1p(math.NaN()) == Log1p(math.NaN()) || Log1p(math.Inf(1)) != math.Inf(1) || Log1p(0) != 0 {
		t.Error("a special case is wrong")
	}
}

func TestTanh(t *testing.T) {
	w, w32 := worst{t: t}, worst{t: t}
	exact := func(x float64) *big.Float {
		e := exactExp(float(2 * x))
		return zero().Quo(zero().Sub(e, float(1)), zero().Add(e, float(1)))
	}
	for rng := range draws(20_000) {
		x := math.Exp(rng.Float64()*22-18) * float64(1-2*rng.IntN(2))
		w.see(x, units(Tanh(x), exact(x), 53))
		y := float32(x)
		w32.see(float64(y), units(float64(Tanh(y)), exact(float64(y)), 24))
	}
	w.below(3)
	w32.below(3)
	if Tanh(math.Inf(1)) != 1 || Tanh(math.Inf(-1)) != -1 || Tanh(0.0) != 0 || Tanh(math.NaN()) == Tanh(math.NaN()) {
		t.Error("a special case is wrong")
	}
}

func TestPow(t *testing.T) {
	w := worst{t: t}
	see := func(x, y float64) {
		exact := exactExp(zero().Mul(exactLog(float(x)), float(y)))
		if e := exact.MantExp(nil); e > -1020 && e < 1024 {
			w.see(x, units(Pow(x, y), exact, 53))
		}
	}
	for rng := range draws(10_000) {
		see(1-math.Exp(-rng.Float64()*12), float64(1+rng.IntN(100_000)))
		see(math.Exp(rng.NormFloat64()*5), rng.NormFloat64()*20)
		see(math.Ldexp(1+rng.Float64(), rng.IntN(2000)-1000), rng.NormFloat64())
	}
	w.below(1.5)
	odd := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, 0.5, -0.5, math.Inf(1), math.Inf(-1), math.NaN(), 1e300, 1e-300, -1e300, 5e-324}
	for _, x := range odd {
		for _, y := range odd {
			got, want := Pow(x, y), math.Pow(x, y)
			if got != want && !(got != got && want != want) && !(math.Abs(got/want-1) < 1e-15) {
				t.Errorf("%v to the power of %v is %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestSinpiAndCospi(t *testing.T) {
	w := worst{t: t}
	for rng := range draws(5000) {
		x := rng.NormFloat64() * math.Pow(10, float64(rng.IntN(4)-2))
		for i, f := range []func(float64) float64{Sinpi, Cospi} {
			turn := float(x)
			turn.Add(turn, float(float64(i)/2))
			whole, _ := turn.Float64()
			exact := exactSin(zero().Mul(pi, zero().Sub(turn, float(2*math.Round(whole/2)))))
			e := units(f(x), exact, 53)
			if size := exact.MantExp(nil); size < -2 { // the unit of 1/8
				e = math.Ldexp(e, size+2)
			}
			w.see(x, e)
		}
	}
	w.below(1.5)
	for x, want := range map[float64][2]float64{0: {0, 1}, 0.5: {1, 0}, 1: {0, -1}, -0.5: {-1, 0}, 2.5: {1, 0}, 1e300: {0, 1}, -1: {0, -1}} {
		if Sinpi(x) != want[0] || Cospi(x) != want[1] {
			t.Errorf("sine and cosine of π·%v are %v and %v, want %v", x, Sinpi(x), Cospi(x), want)
		}
	}
	if x := Cospi(math.Inf(1)); x == x {
		t.Errorf("the cosine of infinity is %v", x)
	}
}

func TestNormalQuantile(t *testing.T) {
	for p, want := range map[float64]float64{0.5: 0, 0: math.Inf(-1), 1: math.Inf(1), 0.975: 1.959963984540054, 1e-10: -6.361340902404056, 1e-300: -37.0470962993612} {
		if got := NormalQuantile(p); got != want && !(math.Abs(got/want-1) < 1e-14) {
			t.Errorf("the quantile of %v is %v, want %v", p, got, want)
		}
	}
	for rng := range draws(10_000) {
		p := math.Exp(-rng.Float64() * 40)
		back := math.Erfc(-NormalQuantile(p)/math.Sqrt2) / 2
		if !(math.Abs(back/p-1) < 1e-12) {
			t.Fatalf("the quantile of %v is that of %v", p, back)
		}
	}
	if x := NormalQuantile(1.5); x == x {
		t.Errorf("the quantile of 1.5 is %v", x)
	}
}

// The fused multiply-add of float32 is that of exact numbers, rounded once.
func TestFMARoundsOnce(t *testing.T) {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1, -1, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32,
		math.SmallestNonzeroFloat32, 0x1p-126, 0x1.fffffcp-127, 0x1.000002p0, 0x1.fffffep0, 0x1p-75, 0x1p64}
	draw := func(rng *rand.Rand) float32 {
		if rng.IntN(8) == 0 {
			return odd[rng.IntN(len(odd))]
		}
		return float32(rng.NormFloat64())
	}
	for rng := range draws(300_000) {
		x, y, z := draw(rng), draw(rng), draw(rng)
		if rng.IntN(2) == 0 { // cancels
			z = float32(-float64(x) * float64(y) * (1 + 0x1p-24*float64(rng.IntN(3)-1)))
		}
		if rng.IntN(4) == 0 {
			z *= 0x1p-30
		}
		got := FMA(x, y, z)
		if plain := float64(x)*float64(y) + float64(z); plain-plain != 0 {
			if want := float32(plain); got != want && (got == got || want == want) {
				t.Fatalf("%v·%v + %v is %v, want %v", x, y, z, got, want)
			}
			continue
		}
		exact := zero().SetPrec(2000).Mul(float(float64(x)), float(float64(y)))
		exact.Add(exact, float(float64(z)))
		if want, _ := exact.Float32(); exact.Sign() != 0 && got != want {
			t.Fatalf("%x·%x + %x is %x, want %x", x, y, z, got, want)
		}
	}
}
