package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// A limmaCase is a table of variances and what limma makes of it, from testdata/limma.R.
type limmaCase struct {
	Name                                      string
	Variances, DF, Covariate, Estimate, Scale numbers
	Fits                                      []struct {
		Robust, Trend    bool
		PriorDF          numbers `json:"prior_df"`
		PriorVariance    numbers `json:"prior_variance"`
		Post, T, P, Half numbers
		DFTotal          numbers `json:"df_total"`
	}
}

// at is the k-th of numbers, of which one stands for all.
func (ns numbers) at(k int) number {
	if len(ns) == 1 {
		return ns[0]
	}
	return ns[k]
}

// TestModerationMatchesLimma: all agrees to 1e-10, and to 1e-12 but for p-values below 1e-100, to which rounding of t comes
// with the power of the degrees of freedom. A robust prior df is itself found to 1e-8 by limma; it is the same here since
// the search takes the same steps.
func TestModerationMatchesLimma(t *testing.T) {
	for _, c := range reference[limmaCase](t, "limma") {
		for _, want := range c.Fits {
			how := Moderation{Robust: want.Robust}
			name := c.Name
			if want.Robust {
				name += ", robust"
			}
			if want.Trend {
				how.Trend = c.Covariate.floats()
				name += ", by trend"
			}
			t.Run(name, func(t *testing.T) {
				variances, df := c.Variances.floats(), c.DF.floats()
				post, prior, ok := Squeeze(variances, df, how)
				if !ok {
					t.Fatal("there is no prior")
				}
				known := slices.Clone(df)
				for i, v := range variances {
					if math.IsNaN(v) {
						known[i] = 0
					}
				}
				total := prior.DFTotal(known)
				see := func(what string, got float64, want number) {
					t.Helper()
					check(t, what, got, want, 1e-10)
				}
				for i := range post {
					see("prior df", prior.DF[i], want.PriorDF.at(i))
					see("prior variance", prior.Variance[i], want.PriorVariance.at(i))
					see("post", post[i], want.Post.at(i))
					see("df total", total[i], want.DFTotal.at(i))
					test, interval := ModeratedT(float64(c.Estimate[i]), post[i], float64(c.Scale[i]), total[i], 0.95)
					see("t", test.Statistic, want.T[i])
					see("p", test.P, want.P[i])
					see("half", (interval.High-interval.Low)/2, want.Half[i])
				}
			})
		}
	}
}

func TestFunctionsBelowTheModerationMatchR(t *testing.T) {
	text, err := os.ReadFile("testdata/limma.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Functions struct {
			X, Digamma, Trigamma, Tetragamma numbers
			Inverse                          numbers
			InverseOf                        numbers `json:"inverse_of"`
			Z, DF1, DF2                      numbers
			Lower, Upper, Density            numbers
			QP                               numbers `json:"q_p"`
			QUpper                           numbers `json:"q_upper"`
			QDF1                             numbers `json:"q_df1"`
			QDF2                             numbers `json:"q_df2"`
			Quantile                         numbers
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	f := file.Functions
	for k, x := range f.X.floats() {
		if got, want := math.Log(x)-logLessDigamma(x), float64(f.Digamma[k]); math.Abs(got-want) > 4e-15*max(1, math.Abs(want)) {
			t.Errorf("digamma at %v is %v, want %v", x, got, want)
		}
		check(t, fmt.Sprint("trigamma at ", x), trigamma(x), f.Trigamma[k], 1e-14)
		check(t, fmt.Sprint("tetragamma at ", x), tetragamma(x), f.Tetragamma[k], 1e-14)
	}
	for k, y := range f.InverseOf.floats() {
		check(t, fmt.Sprint("inverse of trigamma at ", y), trigammaInverse(y), f.Inverse[k], 1e-13)
	}
	for k, z := range f.Z.floats() {
		d := logF{float64(f.DF1[k]), float64(f.DF2[k])}
		lower, upper := d.tails(z)
		check(t, fmt.Sprintf("lower tail of %v at %v", d, z), lower, f.Lower[k], 1e-12)
		check(t, fmt.Sprintf("upper tail of %v at %v", d, z), upper, f.Upper[k], 1e-12)
		check(t, fmt.Sprintf("density of %v at %v", d, z), d.density(z), f.Density[k], 1e-12)
	}
	for k, p := range f.QP.floats() {
		d := logF{float64(f.QDF1[k]), float64(f.QDF2[k])}
		got := d.quantile(p, f.QUpper[k] == 1)
		check(t, fmt.Sprintf("quantile of %v at %v, upper %v", d, p, f.QUpper[k]), got, f.Quantile[k], 1e-11)
	}
}

// Far tails that R has not, by mpmath 1.3 with 50 digits: of log F above z, and quantiles of its lower tail.
func TestFarTailsOfFKeepTheirDigits(t *testing.T) {
	for _, c := range []struct{ z, df1, df2, want float64 }{
		{5, 60, 5e4, -3929.8364337989932}, {5, 60, 1e7, -4278.05507434403172}, {12, 60, 1e7, -3406355.12520175759},
		{5, 9, 1e7, -647.499301418420639},
	} {
		_, got := newLogF(c.df1, c.df2).tails(c.z)
		check(t, fmt.Sprint("upper tail at ", c), got, number(c.want), 1e-13)
	}
	for _, c := range []struct{ p, df1, df2, want float64 }{
		{-200, 30, 0.7, -16.9110423868064398}, {-3, 1, 300, -5.54544490310688053}, {-200, 1, 5, -399.449055183010442},
		{-20, 4, 300, -10.3498742460762189},
	} {
		check(t, fmt.Sprint("quantile at ", c), newLogF(c.df1, c.df2).quantile(c.p, false), number(c.want), 1e-13)
	}
}

func TestWithoutAPriorVariancesStayWhatTheyAre(t *testing.T) {
	for name, c := range map[string]struct{ variances, df []float64 }{
		"none":           {nil, nil},
		"one":            {[]float64{3}, []float64{4}},
		"one known":      {[]float64{3, nan, 2, inf, -1}, []float64{4, 4, 0, 4, 4}},
		"all 0":          {[]float64{0, 0, 0}, []float64{4, 4, 4}},
		"most are 0":     {[]float64{0, 0, 0, 1, 2}, []float64{4, 4, 4, 4, 4}},
		"no df":          {[]float64{1, 2, 3}, []float64{0, 0, nan}},
		"df without end": {[]float64{1, 2, 3}, []float64{inf, inf, inf}},
	} {
		for _, how := range []Moderation{{}, {Robust: true}, {Trend: make([]float64, len(c.df))}} {
			post, prior, ok := Squeeze(c.variances, c.df, how)
			if ok || prior.Common != 0 || len(prior.DF) != len(c.df) {
				t.Errorf("%s: a prior %+v", name, prior)
			}
			for i := range post {
				if !near(post[i], c.variances[i], 0) || prior.DF[i] != 0 || !math.IsNaN(prior.Variance[i]) {
					t.Errorf("%s: variance %v becomes %v, prior %+v", name, c.variances[i], post[i], prior)
				}
			}
		}
	}
}

func TestWhatIsLeftOutOfAFit(t *testing.T) {
	variances := []float64{1, 4, 0.2, 9, 2, nan, 7, inf, 3, 5, -1}
	df := []float64{3, 3, 3, 3, 3, 3, 0, 3, inf, 3, 3}
	trend := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, nan, 10}
	for _, how := range []Moderation{{}, {Trend: trend}, {Trend: trend, Robust: true}} {
		post, prior, ok := Squeeze(variances, df, how)
		if !ok {
			t.Fatal("there is no prior")
		}
		for _, i := range []int{5, 6, 10} { // unknown
			if post[i] != prior.Variance[i] || prior.DF[i] != prior.Common {
				t.Errorf("%+v: %d is %v, not the prior %v", how, i, post[i], prior.Variance[i])
			}
		}
		own := []int{7, 8}
		if how.Trend != nil {
			own = append(own, 9)
		}
		for _, i := range own {
			if post[i] != variances[i] || prior.DF[i] != 0 {
				t.Errorf("%+v: %d is %v with a prior df %v, not %v", how, i, post[i], prior.DF[i], variances[i])
			}
		}
	}
}

// spreadTable is a table of variances that differ by more than chance, with a trend and outliers.
func spreadTable(n int) (variances, df, trend []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		chi := func(df int) (sum float64) {
			for range df {
				z := rng.NormFloat64()
				sum += z * z
			}
			return sum / float64(df)
		}
		trend = append(trend, rng.NormFloat64())
		df = append(df, float64(2+i%3))
		v := chi(2+i%3) / chi(8) * math.Exp(trend[i])
		if i%40 == 39 {
			v *= 1000
		}
		variances = append(variances, v)
	}
	return variances, df, trend
}

var moderations = []struct{ trend, robust bool }{{false, false}, {true, false}, {false, true}, {true, true}}

func TestModerationKnowsNoUnitAndNoOrder(t *testing.T) {
	variances, df, trend := spreadTable(120)
	for _, m := range moderations {
		how := func(trend []float64) Moderation {
			if !m.trend {
				trend = nil
			}
			return Moderation{Trend: trend, Robust: m.robust}
		}
		want, wantPrior, _ := Squeeze(variances, df, how(trend))
		again, _, _ := Squeeze(variances, df, how(trend))
		if !slices.Equal(want, again) {
			t.Errorf("%+v: not the same bits again", m)
		}
		for _, e := range []int{1000, -1000, 3} {
			far := make([]float64, len(variances))
			for i, v := range variances {
				far[i] = math.Ldexp(v, e)
			}
			got, prior, _ := Squeeze(far, df, how(trend))
			for i := range got {
				check(t, fmt.Sprintf("%+v: variance %d times 2^%d", m, i, e), math.Ldexp(got[i], -e), number(want[i]), 1e-9)
				check(t, fmt.Sprintf("%+v: prior df %d times 2^%d", m, i, e), prior.DF[i], number(wantPrior.DF[i]), 1e-7)
			}
		}
		order := rand.New(rand.NewPCG(3, 4)).Perm(len(variances))
		v, d, x := make([]float64, len(order)), make([]float64, len(order)), make([]float64, len(order))
		for k, i := range order {
			v[k], d[k], x[k] = variances[i], df[i], trend[i]
		}
		got, _, _ := Squeeze(v, d, how(x))
		for k, i := range order {
			check(t, fmt.Sprintf("%+v: variance %d in another order", m, i), got[k], number(want[i]), 1e-9)
		}
	}
}

// A robust fit leaves an outlier its own variance, and the prior of the others as it is without it.
func TestAnOutlierKeepsItsVariance(t *testing.T) {
	variances, df, _ := spreadTable(39)
	without, prior, _ := Squeeze(variances, df, Moderation{Robust: true})
	post, robust, _ := Squeeze(append(variances, 1e7), append(df, 4), Moderation{Robust: true})
	if got := post[39]; got < 5e6 || robust.DF[39] > 0.5 {
		t.Errorf("an outlier of 1e7 becomes %v with a prior df of %v", got, robust.DF[39])
	}
	if r := robust.Variance[0] / prior.Variance[0]; r < 0.8 || r > 1.25 {
		t.Errorf("the prior variance of the others is %v times as large", r)
	}
	if r := post[0] / without[0]; r < 0.8 || r > 1.25 {
		t.Errorf("the variance of another is %v times as large", r)
	}
}

func TestModeratedT(t *testing.T) {
	for _, c := range []struct {
		estimate, post, scale, df, level float64
		statistic, p, low, high          number
	}{
		{0, 1, 1, 5, 0.95, 0, 1, -2.5705818356363146, 2.5705818356363146},                   // qt(0.975, 5)
		{1.959963984540054, 1, 1, inf, 0.95, 1.959963984540054, 0.05, 0, 3.919927969080108}, // qnorm(0.975)
		{2, 4, 0.5, 1e300, 0.9, 2, 0.045500263896358417, 0.35514637304852731, 3.6448536269514727},
		{1, 0, 1, 5, 0.95, number(inf), 0, 1, 1},
		{0, 0, 1, 5, 0.95, 0, 1, 0, 0},
		{1, 1, 1, 0, 0.95, number(nan), number(nan), number(nan), number(nan)},
		{1, nan, 1, 5, 0.95, number(nan), number(nan), number(nan), number(nan)},
		{1, inf, 1, 5, 0.95, 0, 1, number(nan), number(nan)},
		{inf, 1, 1, 5, 0.95, number(inf), 0, number(nan), number(nan)},
		{1e300, 1e300, 1, 5, 1, 1e150, 0, number(nan), number(nan)},
	} {
		test, interval := ModeratedT(c.estimate, c.post, c.scale, c.df, c.level)
		name := fmt.Sprint(c.estimate, c.post, c.scale, c.df)
		check(t, "t of "+name, test.Statistic, c.statistic, 1e-14)
		if c.p != 0 || test.P > 1e-290 {
			check(t, "p of "+name, test.P, c.p, 1e-13)
		}
		check(t, "low end of "+name, interval.Low, c.low, 1e-3)
		check(t, "high end of "+name, interval.High, c.high, 1e-13)
	}
}

// Whatever the variances, df and covariates: posterior variances lie between the prior and the variance, and nothing panics
// or hangs.
func TestHostileVariances(t *testing.T) {
	odd := []float64{0, 1, 1, 1, 2, 0.5, nan, inf, -inf, -1, 5e-324, 1e-320, 2.2e-308, 1e-300, 1e-13, 1e300, math.MaxFloat64, 1e7, 3}
	dfs := []float64{4, 4, 4, 2, 1, 3, 0, nan, inf, -1, 1e-300, 1e-5, 0.3, 1e6, 1e300}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 150 {
		n := rng.IntN(45)
		variances, df, trend := make([]float64, n), make([]float64, n), make([]float64, n)
		kinds, dfKinds := 1+rng.IntN(len(odd)), 1+rng.IntN(len(dfs))
		wild := rng.IntN(3) == 0
		for i := range variances {
			variances[i], df[i], trend[i] = odd[rng.IntN(kinds)], dfs[rng.IntN(dfKinds)], odd[rng.IntN(kinds)]
			if wild {
				variances[i], trend[i] = math.Exp(rng.NormFloat64()*300), math.Exp(rng.NormFloat64()*300)
			}
		}
		for _, m := range moderations {
			how := Moderation{Robust: m.robust}
			if m.trend {
				how.Trend = trend
			}
			post, prior, ok := Squeeze(variances, df, how)
			total := prior.DFTotal(df)
			for i, p := range post {
				v, low := variances[i], prior.Variance[i]
				bad := len(post) != n || !(prior.DF[i] >= 0) || !(total[i] >= 0) || ok && !(prior.Common > 0)
				if ok && !keepsItsOwn(v, df[i], how.Trend, i) {
					bad = bad || !(low > 0) || math.IsInf(low, 0) || math.IsNaN(p)
					if isKnown(v, df[i]) {
						bad = bad || p < min(v, low)*(1-1e-12)-1e-323 || p > max(v, low)
					}
				}
				test, interval := ModeratedT(1, p, 0.5, total[i], 0.95)
				bad = bad || test.P < 0 || test.P > 1 || interval.Low > interval.High
				if bad {
					t.Fatalf("%+v: variance %v with df %v becomes %v with a prior %v and df %v of %v; %+v, %+v\n%v\n%v\n%v",
						m, v, df[i], p, low, prior.DF[i], prior.Common, test, interval, variances, df, trend)
				}
			}
		}
	}
}

// The variances of samples that are correlated differ by less than those of others, as ones of more degrees of freedom do.
func TestVariancesOfCorrelatedSamplesDifferLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	const df, alike, draws = 6, 0.5, 20_000
	sum := 0.0
	for range draws {
		var s [2]float64
		for range df {
			x, y := rng.NormFloat64(), rng.NormFloat64()
			y = math.Sqrt(alike)*x + math.Sqrt(1-alike)*y
			s[0] += x * x
			s[1] += y * y
		}
		d := math.Log(s[0] / s[1])
		sum += d * d / 2 / draws
	}
	if got := trigamma(DegreesApart(df, alike) / 2); math.Abs(got/sum-1) > 0.15 {
		t.Errorf("the variance of logarithms is %.4f, of draws %.4f", got, sum)
	}
	if got := DegreesApart(df, 0); got != df {
		t.Errorf("independent samples: %g degrees of freedom, want %d", got, df)
	}
}
