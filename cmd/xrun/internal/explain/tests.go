package explain

// The tests that tell two arms apart, and the statistics over seeds. The first of each is the default.

func tests() []Fact {
	const paired = "a and b are the values of the two chosen points under the same seeds; d = a − b."
	const unpaired = "a and b are the values of the two chosen points; seeds are not paired."
	const holm = " Two-sided; with more than one arm p is adjusted by Holm's method."
	of := func(name, summary, formula, doc, source string) Fact {
		return Fact{Kind: Test, Name: name, Summary: summary, Formula: formula, Doc: doc + holm, Source: source, Page: "comparison"}
	}
	return []Fact{
		of("moderated", "Student's t of the paired differences, with what the whole grid shows about noise; the default with --stat mean",
			lines("t = Δ/√(s²·(1/n + o)), d₀ + n − 1 degrees of freedom", "s² = (d₀·s₀² + (n − 1)·var(d))/(d₀ + n − 1)", "Δ = f(mean(a)) − f(mean(b)), d = f(a) − f(b), f by --scale: x, log x or log x/(1 − x)",
				"s₀², d₀: variance and degrees of freedom that the other points let expect at this level", "o = 0, or test/training rows where folds share data"),
			"a and b are the values of the two chosen points under the same seeds. The variance is squeezed towards s₀², which from 20 points on follows a trend of the mean; a point far noisier than the rest keeps its own. "+
				"The best point's own noise is in all differences to it, so degrees of freedom are at most 4(n − 1) if it is half of them. "+
				"p allows for the choice of each point among those of its arm that may be as good. Where fewer than 4 points vary beside the best, the test is permutation, with folds paired-t.",
			"Smyth 2004 (Stat. Appl. Genet. Mol. Biol. 3); trend: Law et al. 2014 (Genome Biol. 15, R29); outliers: Phipson et al. 2016 (Ann. Appl. Stat. 10); limma"),
		of("permutation", "sign flips of the paired differences; the default with --stat iqm", lines("p = share of the 2ⁿ choices of signs under which |mean(±d)| ≥ |mean(d)|", "the least p of n pairs is 2^(1−n)"),
			paired+" With --stat median or iqm that statistic stands in the place of the mean. Exact up to 20 pairs (16 of other statistics); beyond, 100,000 random choices, p = (count + 1)/(100,000 + 1).", "Fisher 1935, The Design of Experiments; Phipson, Smyth 2010"),
		of("paired-t", "Student's t of the paired differences", lines("t = mean(d)/√(var(d)·(1/n + o)), n − 1 degrees of freedom", "o = 0, or test/training rows where folds share data"),
			paired, "Student 1908; Nadeau, Bengio 2003 (Machine Learning 52), for folds"),
		of("wilcoxon", "signed ranks of the paired differences", lines("W = sum of the ranks of |d| where d > 0", "p from all choices of signs, ties included"), paired+" Exact up to 25 pairs.", "Wilcoxon 1945; SciPy's wilcoxon"),
		of("bootstrap", "resampling of the paired differences", "p = share of resamples of d − mean(d) whose |t| is at least as large", paired, "Efron, Tibshirani 1993, An Introduction to the Bootstrap, chapter 16"),
		of("sign", "how many paired differences lie above 0; the default with --stat median", lines("p = 2·2⁻ⁿ·Σ C(n, j), j from 0 to the smaller number of signs", "the least p of n pairs is 2^(1−n)"),
			paired+" Differences of 0 are left out. It finds a difference where the interval of the median leaves out 0.", "Arbuthnott 1710; SciPy's binomtest"),
		of("welch", "t without equal variances", "t = (mean(a) − mean(b))/√(var(a)/n + var(b)/m)", unpaired, "Welch 1947 (Biometrika 34)"),
		of("mwu", "rank sums", "U = number of pairs with a > b, ties half", unpaired+" Exact up to 25 values in each.", "Mann, Whitney 1947 (Annals of Mathematical Statistics 18); SciPy's mannwhitneyu"),
	}
}

func statistics() []Fact {
	of := func(name, summary, formula, source string) Fact {
		return Fact{Kind: Stat, Name: name, Summary: summary, Formula: formula, Source: source, Page: "comparison"}
	}
	return []Fact{
		of("mean", "the mean over seeds, with Student's t interval; the default", "mean ± t₀.₉₇₅(n − 1)·s/√n", "Student 1908; widened where folds share data by Nadeau, Bengio 2003"),
		of("median", "the median over seeds, with an interval between two of the values", lines("[x₍ₖ₎, x₍ₙ₊₁₋ₖ₎], with the largest k for which 1 − 2·2⁻ⁿ·Σ C(n, j), j < k, is 95 % or more", "fewer than 6 values have none"), "Conover 1999, 3.2; SciPy's quantile_test"),
		of("iqm", "the mean of the middle half, with Student's t interval of trimmed means", lines("mean without the ⌊n/4⌋ lowest and the ⌊n/4⌋ highest values, which leaves h", "± t₀.₉₇₅(h − 1)·√SS/(h − 1), SS the squares about the mean with the trimmed values pulled in"), "Agarwal et al. 2021 (NeurIPS); Tukey, McLaughlin 1963; Yuen 1974 (Biometrika 61)"),
	}
}

func scales() []Fact {
	of := func(name, summary, formula, doc, source string) Fact {
		return Fact{Kind: Scale, Name: name, Summary: summary, Formula: formula, Doc: doc, Source: source, Page: "comparison"}
	}
	return []Fact{
		of("ratio", "values are told apart by their ratios", lines("f(x) = log(x + c)", "c = 0 unless some values are below a tenth of their point's mean; then up to the lower quartile of the means"),
			"For losses, errors and times: 0.10 and 0.11 differ as 1.0 and 1.1 do. Chosen where no value lies below 0, and less is better or the means spread over a factor of 2 or more.", "Tukey 1977, Exploratory Data Analysis, for started logarithms"),
		of("logit", "values are told apart by their odds", lines("f(x) = log (x + c)/(1 − x + c)", "c = 0, or where some values are 0 or 1 half of the least distance of the others to 0 or 1"),
			"For shares: 0.98 and 0.99 differ as odds of 49 and 99 do. Chosen where all values lie between 0 and 1 and the metric's name ends in a word such as accuracy, error_rate, f1 or auc.", "Cox 1970, The Analysis of Binary Data, for empirical logits"),
		of("difference", "values are told apart by their differences", "f(x) = x", "For values that may lie below 0, such as R², and those to be large that spread little.", "common"),
	}
}
