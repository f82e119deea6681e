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
		of("permutation", "sign flips of the paired differences; the default", lines("p = share of the 2ⁿ choices of signs under which |mean(±d)| ≥ |mean(d)|", "the least p of n pairs is 2^(1−n)"),
			paired+" Exact up to 20 pairs; beyond, 100,000 random choices, p = (count + 1)/(100,000 + 1).", "Fisher 1935, The Design of Experiments; Phipson, Smyth 2010"),
		of("paired-t", "Student's t of the paired differences", lines("t = mean(d)/√(var(d)·(1/n + o)), n − 1 degrees of freedom", "o = 0, or test/training rows where folds share data"),
			paired, "Student 1908; Nadeau, Bengio 2003 (Machine Learning 52), for folds"),
		of("wilcoxon", "signed ranks of the paired differences", lines("W = sum of the ranks of |d| where d > 0", "p from all choices of signs, ties included"), paired+" Exact up to 25 pairs.", "Wilcoxon 1945; SciPy's wilcoxon"),
		of("bootstrap", "resampling of the paired differences", "p = share of resamples of d − mean(d) whose |t| is at least as large", paired, "Efron, Tibshirani 1993, An Introduction to the Bootstrap, chapter 16"),
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
		of("median", "the median over seeds, with a bootstrap interval", "BCa of 2,000 resamples", "Efron, Tibshirani 1993, 14.3"),
		of("iqm", "the mean of the middle half, with a bootstrap interval", "mean without the ⌊n/4⌋ lowest and the ⌊n/4⌋ highest values; BCa of 2,000 resamples", "Agarwal et al. 2021 (NeurIPS)"),
	}
}
