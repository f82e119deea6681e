package data

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// classify orders the distinct labels and replaces each label by its index. Labels that are equal numbers are one class,
// also beside labels that are none; it is named as [classOf] writes the number. Labels that are all
// numbers are ordered by value, others by spelling. merged lists the spellings that became one class.
func classify(labels []string) (classes []string, indices []float64, merged [][]string) {
	spellings := slices.Clone(labels)
	slices.Sort(spellings)
	spellings = slices.Compact(spellings)
	of, byNumber := make(map[string]string, len(spellings)), map[string][]string{} // the class of a spelling
	for _, label := range spellings {
		of[label] = label
		if number, ok := numeral(label); ok {
			byNumber[number] = append(byNumber[number], label)
		}
	}
	for number, equal := range byNumber {
		if len(equal) > 1 {
			merged = append(merged, equal)
			for _, label := range equal {
				of[label] = classOf(number, equal[0])
			}
		}
	}
	slices.SortFunc(merged, slices.Compare)
	for _, class := range of {
		classes = append(classes, class)
	}
	slices.Sort(classes)
	classes = slices.Clip(slices.Compact(classes))
	values, numeric := make(map[string]float64, len(classes)), true
	for _, label := range classes {
		v, err := strconv.ParseFloat(label, 64)
		values[label] = v
		numeric = numeric && err == nil
	}
	if numeric {
		slices.SortStableFunc(classes, func(a, b string) int { return cmp.Compare(values[a], values[b]) })
	}
	index := make(map[string]float64, len(classes))
	for i, label := range classes {
		index[label] = float64(i)
	}
	indices = make([]float64, len(labels))
	for i, label := range labels {
		indices[i] = index[of[label]]
	}
	return classes, indices, merged
}

// mergedWarning says which labels became one class.
func mergedWarning(target string, merged [][]string) string {
	var texts []string
	for _, equal := range merged {
		texts = append(texts, shorten(equal, 8))
	}
	const most = 4
	text := strings.Join(texts[:min(most, len(texts))], "; ")
	if more := len(texts) - most; more > 0 {
		text += fmt.Sprintf("; and so in %d more classes", more)
	}
	return fmt.Sprintf("column %q: labels that are equal numbers are one class: %s", target, text)
}

// classOf names the class of equal numbers: as xrun writes the number, if that is exact, or else by one of its spellings.
func classOf(number, spelling string) string {
	v, ok := decimal(spelling)
	name := strconv.FormatFloat(v+0, 'g', -1, 64) // −0 is 0
	if same, also := numeral(name); ok && also && same == number {
		return name
	}
	return spelling
}

// numeral writes a finite decimal number in one form, exactly: equal numbers are equal texts, however many digits they
// have. ok is false for other texts.
func numeral(text string) (form string, ok bool) {
	if v, ok := decimal(text); !ok || !isFinite(v) {
		return "", false
	}
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	exponent := 0
	if power != "" {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return "", false
		}
	}
	sign := ""
	if mantissa, ok = strings.CutPrefix(mantissa, "-"); ok {
		sign = "-"
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "+"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0", true
	}
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short) - len(fraction)
	return sign + short + "e" + strconv.Itoa(exponent), true
}
