# Computes the values that the tests of moderated.go are held against, by limma.
#
# Run it in this folder: Rscript limma.R. It was run with R 4.2.2, limma 3.54.1, statmod 1.5.0 (Debian 12: r-base,
# r-bioc-limma, r-cran-statmod). limma.json names the versions.

suppressPackageStartupMessages(library(limma))
set.seed(20240607, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

text <- function(x) {
  out <- sprintf("%.17g", x)
  odd <- !is.finite(x)
  out[odd] <- sprintf('"%s"', as.character(x[odd]))
  out
}
numbers <- function(x) paste0("[", paste(text(as.numeric(x)), collapse = ","), "]")
record <- function(...) {
  parts <- list(...)
  one <- function(k) {
    v <- parts[[k]]
    paste0('"', k, '": ', if (is.character(v)) paste0('"', v, '"')
                         else if (is.logical(v)) tolower(as.character(v))
                         else numbers(v))
  }
  paste0("{", paste(vapply(names(parts), one, ""), collapse = ", "), "}")
}

# draw makes variances of n groups whose true variances have d0 degrees of freedom about s0.
draw <- function(n, df, d0, s0 = 1) {
  true <- if (is.finite(d0)) s0 * d0 / rchisq(n, d0) else rep_len(s0, n)
  true * rchisq(n, df) / df
}

cases <- character()

# case squeezes the variances plainly and robustly, with and without the covariate if there is one. Groups whose df is 0
# and variances of NaN are taken together as df 0, which is how limma tells that there is no variance: with a NaN its
# posterior would be NaN. Moderated t tests are those of eBayes.
case <- function(name, var, df, covariate = NULL, robust = TRUE) {
  n <- length(var)
  df <- rep_len(df, n)
  lone <- is.nan(var)
  known <- df
  known[lone] <- 0
  sigma <- sqrt(ifelse(lone, 1, var))
  estimate <- rnorm(n, sd = sigma) * sample(c(0.3, 1, 5), n, replace = TRUE)
  scale <- rep_len(c(0.4, 0.5, 1), n)
  fits <- character()
  for (trend in if (is.null(covariate)) FALSE else c(FALSE, TRUE)) for (rob in if (robust) c(FALSE, TRUE) else FALSE) {
    x <- if (trend) covariate else NULL
    given <- ifelse(lone, 1, var)
    # squeezeVar itself, as eBayes has squares of roots of the variances, which round.
    s <- suppressWarnings(squeezeVar(given, known, covariate = x, robust = rob))
    fit <- new("MArrayLM", list(coefficients = matrix(estimate, n, 1), stdev.unscaled = matrix(scale, n, 1),
                                sigma = sqrt(given), df.residual = known, Amean = covariate))
    e <- suppressWarnings(eBayes(fit, trend = trend, robust = rob))
    half <- scale * sqrt(e$s2.post) * qt(0.975, e$df.total) # as in topTable(confint = TRUE)
    fits <- c(fits, record(robust = rob, trend = trend, prior_df = s$df.prior, prior_variance = s$var.prior,
      post = s$var.post, t = e$t, p = e$p.value, df_total = e$df.total, half = half))
  }
  about <- record(name = name, variances = var, df = df, covariate = covariate, estimate = estimate, scale = scale)
  cases <<- c(cases, paste0(sub("}$", "", about), ', "fits": [\n  ', paste(fits, collapse = ",\n  "), "]}"))
}

case("2 rows", c(0.5, 3), 4, robust = FALSE)
case("3 rows", c(0.3, 1.1, 4), 2)
case("3 rows, trend", c(0.3, 1.1, 40), 2, c(1, 2, 3.5))
case("3 rows of mixed df", c(0.3, 1.1, 40), c(2, 3, 4))
case("10 rows", draw(10, 4, 5), 4, runif(10))
case("10 rows of mixed df", draw(10, 4, 2), rep_len(c(4, 2, 3), 10), rnorm(10))
case("104 rows of 2 df", draw(104, 2, 6, 1e-4), 2, log(runif(104)))
case("104 rows of 4 df, apart", draw(104, 4, 0.8), 4, rnorm(104))
x <- sort(rexp(104))
case("104 rows with a trend", draw(104, 4, 8) * exp(1 + sin(3 * x)), 4, x)
v <- draw(104, 4, 10); v[c(17, 60)] <- c(900, 4e5)
case("104 rows, two outliers", v, 4, rnorm(104))
v <- draw(104, 4, Inf); v[33] <- 1e3
case("104 rows alike, an outlier", v, 4, rnorm(104))
case("104 rows alike", draw(104, 4, Inf), 4, rnorm(104))
case("104 rows closer than chance", exp(rnorm(104, sd = 0.1)), 4, rnorm(104))
case("104 rows equal", rep(2, 104), 4)
v <- draw(104, 4, 1.2); d <- rep_len(c(4, 2, 4, 3, 1), 104); d[c(5, 50)] <- 0; v[c(9, 80)] <- NaN
case("104 rows of mixed df, some without a variance", v, d, rnorm(104))
v <- draw(104, 2, 6); v[c(3, 40, 41, 90)] <- 0
case("104 rows, four of variance 0", v, 2, rnorm(104))
v <- draw(60, 4, Inf); d <- rep_len(c(4, 4, 2), 60); v[20] <- 500; d[7] <- 0
case("60 rows alike of mixed df, an outlier", v, d, runif(60))
case("40 rows, few places on the trend", draw(40, 3, 6), 3, rep_len(c(0, 1, 2), 40), robust = FALSE)
case("40 rows, knots that coincide", draw(40, 3, 6), 3, c(rep(0, 6), rep(5, 20), 6:19), robust = FALSE)
case("102 rows, a knot at the end", draw(102, 3, 6), 3, c(rep(0, 40), rep(1, 30), 2:33), robust = FALSE)
case("40 rows, one place on the trend", draw(40, 3, 6), 3, rep(2, 40), robust = FALSE)
case("40 rows, infinite places on the trend", draw(40, 3, 6), 3, c(-Inf, Inf, rnorm(38)), robust = FALSE)
case("104 rows with ties on the trend", draw(104, 4, 5), 4, round(rnorm(104), 1))
case("variances of 1e-13", draw(50, 3, 5, 1e-13), 3, rnorm(50), robust = FALSE)
case("500 rows", draw(500, 9, 3), 9)
d <- sample(c(0, 2, 3, 4, 9), 500, replace = TRUE); x <- rnorm(500)
v <- draw(500, pmax(d, 1), 7) * exp(0.5 * x); v[c(100, 200, 300)] <- v[c(100, 200, 300)] * 1e4; v[c(11, 12)] <- NaN
case("500 rows of mixed df, a trend, three outliers", v, d, x)

# The functions below the fit, at arguments far and near. R's own numbers end where they are left out: logarithms of tails
# below -600 (pf with df1 = 60, df2 = 5e4 at e^5 is wrong in the third digit) and quantiles far down (qf gives 0).
at <- c(1e-3, 0.1, 0.5, 1, 1.4616321449683623, 2, 3.7, 5, 6.9, 7, 10, 15, 33, 1e3, 1e6)
write <- function(made, cases, more) {
  cat('{"made_with": ', made, ',\n"functions": ', more, ',\n"cases": [\n', paste(cases, collapse = ",\n"), "\n]}\n",
      sep = "", file = "limma.json")
}
x <- c(2e-6, 1e-4, 0.01, 0.3, 1, 2, 10, 1e3, 5e6, 1e8, 1e-7)
f <- expand.grid(z = c(-30, -8, -2, -0.3, 0, 0.4, 2, 5, 12, 40), df1 = c(1, 2, 3.5, 9, 60), df2 = c(0.4, 3, 20, 500, 5e4, 1e7, Inf))
q <- expand.grid(p = c(-200, -20, -3, -0.5), upper = c(0, 1), df1 = c(1, 4, 30), df2 = c(0.7, 5, 300, Inf))
f <- f[pmin(pf(exp(f$z), f$df1, f$df2, log.p = TRUE), pf(exp(f$z), f$df1, f$df2, lower.tail = FALSE, log.p = TRUE)) > -600, ]
q <- q[q$upper == 1 | q$p >= -3, ]
functions <- record(x = at, digamma = digamma(at), trigamma = trigamma(at), tetragamma = psigamma(at, 2),
  inverse_of = x, inverse = trigammaInverse(x),
  z = f$z, df1 = f$df1, df2 = f$df2,
  lower = pf(exp(f$z), f$df1, f$df2, log.p = TRUE), upper = pf(exp(f$z), f$df1, f$df2, lower.tail = FALSE, log.p = TRUE),
  density = f$z + df(exp(f$z), f$df1, f$df2, log = TRUE),
  q_p = q$p, q_upper = q$upper, q_df1 = q$df1, q_df2 = q$df2,
  quantile = log(ifelse(q$upper == 1, qf(q$p, q$df1, q$df2, lower.tail = FALSE, log.p = TRUE), qf(q$p, q$df1, q$df2, log.p = TRUE))))
write(record(R = as.character(getRversion()), limma = as.character(packageVersion("limma")),
             statmod = as.character(packageVersion("statmod"))), cases, functions)
