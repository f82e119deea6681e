package data

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// GroupRows are the rows of a group by class: a class and its number of rows, the next class and its number, and so on.
type GroupRows []int32

func (g GroupRows) total() (rows int) {
	for i := 1; i < len(g); i += 2 {
		rows += int(g[i])
	}
	return rows
}

// groupRows counts the rows of each group by class.
func (s *Set) groupRows() []GroupRows {
	members := make([][]int32, slices.Max(s.Groups)+1)
	for row, g := range s.Groups {
		members[g] = append(members[g], int32(row))
	}
	groups, counts, seen := make([]GroupRows, len(members)), make([]int32, max(1, len(s.Classes))), []int32(nil)
	for g, rows := range members {
		seen = seen[:0]
		for _, row := range rows {
			class := s.stratum(int(row))
			if counts[class] == 0 {
				seen = append(seen, int32(class))
			}
			counts[class]++
		}
		slices.Sort(seen)
		for _, class := range seen {
			groups[g] = append(groups[g], class, counts[class])
			counts[class] = 0
		}
	}
	return groups
}

// A role is the part that a group is in.
type role uint8

const (
	toTrain role = iota
	toValidate
	toTest
)

// drawGroups chooses the groups that test and then those that validate. For each part, it goes through the other groups in a
// random order, again and again, and takes a group or gives it back where that brings the rows nearer to the fraction of every class:
// where it lowers Σ (rows taken − fraction·rows)²/rows over the classes. It ends when no group does. A part for which every group is too large
// gets the one that comes nearest. Each class keeps a group to train on.
// The groups that test depend on the test fraction alone.
func (l Layout) drawGroups(rng *rand.Rand, validation, test float64) ([]role, error) {
	d := &draw{Layout: l, roles: make([]role, len(l.Groups)), keeps: make([]int, len(l.Strata))}
	asked := 1
	for _, fraction := range []float64{validation, test} {
		if fraction > 0 {
			asked++
		}
	}
	for g, rows := range l.Groups {
		if len(rows) > 0 {
			d.left = append(d.left, g)
		}
		for i := 0; i < len(rows); i += 2 {
			d.keeps[rows[i]]++
		}
	}
	if n := len(d.left); n < asked {
		return nil, &Error{about: aboutGroup, Column: l.Column, Message: fmt.Sprintf("has %s, but each of the %d parts needs a group of its own", plural(n, "group"), asked),
			hint: "a part can be left out, or have a file of its own"}
	}
	if len(d.left) > 2 {
		d.reserve = 1 // for validation, so that the groups which test depend on their fraction alone
	}
	if err := d.take(rng, aboutTest, test, toTest); err != nil {
		return nil, err
	}
	d.reserve = 0
	return d.roles, d.take(rng, aboutValidation, validation, toValidate)
}

// A draw is under way.
type draw struct {
	Layout
	roles   []role
	left    []int // the groups that train
	keeps   []int // how many groups that train a class has, by class
	reserve int   // groups that are not taken, beside one
}

func (d *draw) take(rng *rand.Rand, part string, fraction float64, to role) error {
	if fraction == 0 {
		return nil
	}
	if err := d.noRow(part, fraction); err != nil {
		return err
	}
	rng.Shuffle(len(d.left), func(a, b int) { d.left[a], d.left[b] = d.left[b], d.left[a] })
	taken, count := make([]int, len(d.Strata)), 0
	move := func(g, sign int, role role) {
		d.roles[g] = role
		count += sign
		for rows := d.Groups[g]; len(rows) > 0; rows = rows[2:] {
			taken[rows[0]] += sign * int(rows[1])
			d.keeps[rows[0]] -= sign
		}
	}
	change := func(g, sign int) (sum float64) {
		for rows := d.Groups[g]; len(rows) > 0; rows = rows[2:] {
			class, n := rows[0], float64(rows[1])
			if sign > 0 && d.keeps[class] == 1 {
				return math.Inf(1)
			}
			wish := float64(fraction * float64(d.Strata[class]))
			sum += (float64(float64(2*sign)*n*(float64(taken[class])-wish)) + float64(n*n)) / float64(d.Strata[class])
		}
		return sum
	}
	nearest, best := -1, math.Inf(1)
	const rounds, least = 100, 1e-9 // rounding is no improvement
	for range rounds {
		moved := false
		for _, g := range d.left {
			switch {
			case d.roles[g] == to:
				if count > 1 && change(g, -1) < -least {
					move(g, -1, toTrain)
					moved = true
				}
			case len(d.left)-count > 1+d.reserve:
				by := change(g, 1)
				if count == 0 && by < best {
					nearest, best = g, by
				}
				if by < -least {
					move(g, 1, to)
					moved = true
				}
			}
		}
		if !moved {
			break
		}
	}
	if count == 0 && nearest >= 0 {
		move(nearest, 1, to)
	}
	if count == 0 {
		return &Error{about: part, Message: fmt.Sprintf("%s is %v of %d rows, but sets none aside: each class keeps a group to train on, and no group can be spared", part, fraction, d.Rows()),
			hint: "groups need rows of several classes; rows of a file of their own can judge as well"}
	}
	d.left = slices.DeleteFunc(d.left, func(g int) bool { return d.roles[g] != toTrain })
	return nil
}

// drawFold draws the groups that test, deals the others into folds, and has those of one fold validate.
func (l Layout) drawFold(rng *rand.Rand, fold Fold, test float64) ([]role, error) {
	if err := fold.check(); err != nil {
		return nil, err
	}
	roles, err := l.drawGroups(rng, 0, test)
	if err != nil {
		return nil, err
	}
	var groups []int
	for g, rows := range l.Groups {
		if roles[g] == toTrain && len(rows) > 0 {
			groups = append(groups, g)
		}
	}
	if len(groups) < fold.Of {
		return nil, &Error{about: aboutValidation, Message: fmt.Sprintf("%s of %q cannot be divided into %d folds", plural(len(groups), "group"), l.Column, fold.Of),
			hint: fmt.Sprintf("folds = %d is the most; fewer folds, or a share, divide them as well", len(groups))}
	}
	rng.Shuffle(len(groups), func(a, b int) { groups[a], groups[b] = groups[b], groups[a] })
	slices.SortStableFunc(groups, l.larger)
	for i, f := range l.deal(groups, fold.Of) {
		if f == fold.Index {
			roles[groups[i]] = toValidate
		}
	}
	return roles, nil
}

// larger puts groups first whose classes differ most in their numbers of rows, and then larger ones: they are the hardest to
// place.
func (l Layout) larger(a, b int) int {
	x, y := l.Groups[a], l.Groups[b]
	return cmp.Or(cmp.Compare(x.unevenness(len(l.Strata)), y.unevenness(len(l.Strata))), cmp.Compare(x.total(), y.total())) * -1
}

// unevenness is the variance of the numbers of rows over the classes, times the square of the number of classes.
func (g GroupRows) unevenness(classes int) (v int64) {
	for i := 1; i < len(g); i += 2 {
		v += int64(g[i]) * int64(g[i])
	}
	n := int64(g.total())
	return v*int64(classes) - n*n
}

// OnePartition reports whether every partition has the same folds, where the same rows test: nothing is drawn of an order, nor of
// groups none of which are alike.
func (l Layout) OnePartition() bool {
	return l.Runs != nil || l.Groups != nil && !l.alike()
}

// alike reports whether two groups can be dealt into folds in either order.
func (l Layout) alike() bool {
	var groups []int
	for g, rows := range l.Groups {
		if len(rows) > 0 {
			groups = append(groups, g)
		}
	}
	slices.SortFunc(groups, l.larger)
	for i := range groups[1:] {
		if l.larger(groups[i], groups[i+1]) == 0 {
			return true
		}
	}
	return false
}

// deal puts each group into the fold that then has the most even classes over the folds: the least sum over the classes of
// the standard deviation of the folds' shares. Of folds that are as good but for rounding, it is the one with the fewest rows, and
// then the first. This is the rule of scikit-learn's StratifiedGroupKFold, which rounding may decide, and for a regression that of GroupKFold.
func (l Layout) deal(groups []int, k int) (folds []int) {
	rows, sizes := make([][]int64, len(l.Strata)), make([]int64, k) // of each class by fold, and of each fold
	spread := make([]float64, len(l.Strata))
	for class := range rows {
		rows[class] = make([]int64, k)
	}
	deviation := func(class int32) float64 {
		sum, squares := int64(0), int64(0)
		for _, n := range rows[class] {
			sum, squares = sum+n, squares+n*n
		}
		return math.Sqrt(float64(int64(k)*squares-sum*sum)) / (float64(k) * float64(l.Strata[class]))
	}
	for _, g := range groups {
		best, least, fewest := -1, math.Inf(1), int64(math.MaxInt64)
		base := 0.0
		for _, s := range spread {
			base += s
		}
		for f := range k {
			value := base
			for of := l.Groups[g]; len(of) > 0; of = of[2:] {
				class, n := of[0], int64(of[1])
				rows[class][f] += n
				value += deviation(class) - spread[class]
				rows[class][f] -= n
			}
			value /= float64(len(l.Strata))
			const relative, absolute = 1e-5, 1e-8 // of numpy.isclose
			if as := math.Abs(value-least) <= absolute+float64(relative*math.Abs(least)); !as && value < least || as && sizes[f] < fewest {
				best, least, fewest = f, value, sizes[f]
			}
		}
		folds = append(folds, best)
		for of := l.Groups[g]; len(of) > 0; of = of[2:] {
			rows[of[0]][best] += int64(of[1])
			sizes[best] += int64(of[1])
			spread[of[0]] = deviation(of[0])
		}
	}
	return folds
}

// sizesOf counts the rows of groups.
func (l Layout) sizesOf(roles []role) (sizes Sizes) {
	trained := make([]bool, len(l.Strata))
	for g, rows := range l.Groups {
		n := rows.total()
		switch roles[g] {
		case toValidate:
			sizes.Validation += n
		case toTest:
			sizes.Test += n
		default:
			sizes.Train += n
			for i := 0; i < len(rows); i += 2 {
				trained[rows[i]] = true
			}
		}
	}
	for class, n := range l.Strata {
		if n > 0 && !trained[class] {
			sizes.Without++
		}
	}
	return sizes
}

// byGroup divides the rows as their groups are.
func (s *Set) byGroup(roles []role) (split Split) {
	for row, g := range s.Groups {
		switch roles[g] {
		case toValidate:
			split.Validation = append(split.Validation, row)
		case toTest:
			split.Test = append(split.Test, row)
		default:
			split.Train = append(split.Train, row)
		}
	}
	return split
}

// Largest is the number of groups, and of rows in the largest.
func (l Layout) Largest() (groups, rows int) {
	for _, g := range l.Groups {
		if len(g) > 0 {
			groups, rows = groups+1, max(rows, g.total())
		}
	}
	return groups, rows
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
