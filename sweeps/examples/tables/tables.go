// Package tables makes tables with the oddities of real ones. Everything in them is invented, and drawn with fixed seeds: a table
// has the same bytes wherever it is made.
package tables

import (
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins/elementary"
	"github.com/xrun-dev/xrun/runner/streams"
)

// A Table is a file that can be made.
type Table struct {
	Name  string
	Write func(io.Writer) error
}

// Small are the tables that lie in this folder.
func Small() []Table {
	return []Table{{"passengers.csv", Passengers}, {"houses.csv", Houses}}
}

// All are the tables that can be made.
func All() []Table {
	return append(Small(), Table{"wide.csv", WideCSV}, Table{"wide.libsvm", WideLIBSVM})
}

// Make writes tables into a folder.
func Make(folder string, tables []Table) error {
	for _, t := range tables {
		f, err := os.Create(filepath.Join(folder, t.Name))
		if err != nil {
			return err
		}
		if err := t.Write(f); err != nil {
			f.Close()
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// A draw is random numbers of a table.
type draw struct{ *rand.Rand }

func newDraw(table string) draw { return draw{streams.New(1, "example table "+table)} }

func (d draw) chance(p float64) bool { return d.Float64() < p }

func (d draw) normal() float64 { return streams.Normal(d.Rand) }

func (d draw) of(words ...string) string { return words[d.IntN(len(words))] }

// weighted chooses a word by the weight behind it.
func (d draw) weighted(words []string, weights []float64) string {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := float64(d.Float64() * sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return words[i]
		}
	}
	return words[len(words)-1]
}

func fixed(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

// Passengers writes who was on a ship that sank. Names have quotes and commas, ages and ports have gaps, most cabins are
// unknown, and tickets are texts of which a few share one.
func Passengers(w io.Writer) error {
	d, out := newDraw("passengers"), csv.NewWriter(w)
	out.Write([]string{"id", "class", "name", "sex", "age", "siblings", "ticket", "fare", "cabin", "port", "survived"})
	ticket := ""
	for i := range 620 {
		class := 1 + d.IntN(3)
		if d.chance(0.4) {
			class = 3
		}
		sex := d.weighted([]string{"male", "female"}, []float64{0.63, 0.37})
		years := min(78, max(0.4, float64(27+float64(3*float64(3-class)))+float64(13*d.normal())))
		age := fixed(years, 0)
		if years < 2 || d.chance(0.03) {
			age = fixed(float64(int(years))+0.5, 1)
		}
		if d.chance(0.2) {
			age = ""
		}
		siblings := 0
		if d.chance(0.3) {
			siblings = 1 + d.IntN(3)
		}
		if ticket == "" || d.chance(0.85) {
			ticket = d.weighted([]string{"", "A/5 ", "PC ", "LINE "}, []float64{7, 1, 1, 0.5}) + strconv.Itoa(10_000+d.IntN(80_000))
		}
		fare := exp(2 + float64(0.9*float64(3-class)) + float64(0.4*d.normal()))
		cabin := ""
		if class == 1 && d.chance(0.6) || d.chance(0.04) {
			cabin = d.of("A", "B", "C", "D", "E") + strconv.Itoa(1+d.IntN(99))
			if d.chance(0.1) {
				cabin += " " + cabin[:1] + strconv.Itoa(1+d.IntN(99))
			}
		}
		port := d.weighted([]string{"Cork", "Bergen", "Porto", "Dingle", "Sligo", ""}, []float64{60, 22, 14, 0.9, 0.6, 1})
		logit := 0.4 - float64(0.9*float64(class-2)) - float64(0.02*(years-28)) - float64(0.35*float64(siblings))
		if sex == "female" {
			logit += 2.3
		} else {
			logit -= 1.2
		}
		survived := "no"
		if d.chance(1 / (1 + exp(-logit))) {
			survived = "yes"
		}
		out.Write([]string{strconv.Itoa(i + 1), strconv.Itoa(class), d.name(sex, years), sex, age, strconv.Itoa(siblings), ticket, fixed(fare, 2), cabin, port, survived})
	}
	out.Flush()
	return out.Error()
}

// exp has the same bits on every machine.
func exp(x float64) float64 {
	if x > 0 { // which elementary.Exp is not for
		return 1 / elementary.Exp(-x)
	}
	return elementary.Exp(x)
}

// name is that of a passenger.
func (d draw) name(sex string, years float64) string {
	family := d.of("O'Dowd", "Larsen", "Petit", "Almeida", "Van der Berg", "Novák", "Quist", "Farkas", "Sullivan", "Ibsen", "Moreau", "Teixeira", "Brandt", "Keane", "Lind")
	given := d.of("Ada", "Ines", "Maren", "Nora", "Clara", "Edith", "Rosa", "Signe")
	title := "Mrs."
	if sex == "male" {
		given, title = d.of("Tomas", "Henrik", "Jacques", "Duarte", "Emil", "Patrick", "Viktor", "Anders"), "Mr."
	}
	switch {
	case years < 14 && sex == "male":
		title = "Master"
	case sex == "female" && d.chance(0.5):
		title = "Miss"
	}
	name := family + ", " + title + " " + given + " " + string(rune('A'+d.IntN(26))) + "."
	if d.chance(0.15) {
		name += ` "` + d.of("Bessie", "Kit", "Jo", "Old Tom", "Lottie") + `"`
	}
	return name
}

// Houses writes what houses were sold for: cells between semicolons, decimal commas and Latin-1, as a spreadsheet
// in much of Europe writes them. The tax is a hundredth of the price and gives it away, one column is constant, two
// kinds of heating are rare, and some rows occur twice.
func Houses(w io.Writer) error {
	var text strings.Builder
	d, out := newDraw("houses"), csv.NewWriter(&text)
	out.Comma = ';'
	out.Write([]string{"id", "town", "area", "rooms", "built", "quality", "heating", "lift", "country", "sold", "tax", "price"})
	comma := func(v float64, digits int) string { return strings.Replace(fixed(v, digits), ".", ",", 1) }
	worth := map[string]float64{"Königsfurt": 210, "Åsby": 160, "Málnava": 120, "Saint-Brûlé": 180, "Mühlau": 140}
	towns := []string{"Königsfurt", "Åsby", "Málnava", "Saint-Brûlé", "Mühlau"}
	scale := []string{"poor", "fair", "good", "very good", "excellent"}
	first := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	var rows [][]string
	for i := range 400 {
		town := d.weighted(towns, []float64{30, 25, 20, 15, 10})
		area := max(28, 105+float64(38*d.normal()))
		rooms := max(1, int(area/28+float64(0.7*d.normal())))
		built := 1890 + d.IntN(130)
		quality := slices.Index(scale, d.weighted(scale, []float64{5, 20, 45, 22, 8}))
		heating := d.weighted([]string{"gas", "oil", "district", "heat pump", "peat", "straw"}, []float64{45, 25, 18, 10, 1, 0.7})
		lift := d.weighted([]string{"no", "yes"}, []float64{0.7, 0.3})
		days := d.IntN(3200)
		price := 18 + float64(area*worth[town]/100) + float64(14*float64(quality)) + float64(0.12*float64(built-1950)) + float64(0.008*float64(days)) + float64(11*d.normal())
		if lift == "yes" {
			price += 9
		}
		price = max(20, price)
		row := []string{
			strconv.Itoa(70_000 + 7*i), town, comma(area, 1), strconv.Itoa(rooms), strconv.Itoa(built), scale[quality], heating, lift, "NL",
			first.AddDate(0, 0, days).Format(time.DateOnly), comma(price/100, 4), comma(price, 2),
		}
		for at, gaps := range map[int]float64{2: 0.06, 4: 0.1, 5: 0.03} {
			if streams.New(int64(i), "gap "+strconv.Itoa(at)).Float64() < gaps {
				row[at] = "NA"
			}
		}
		rows = append(rows, row)
	}
	for range 8 {
		rows = append(rows, rows[d.IntN(400)])
	}
	for _, row := range rows {
		out.Write(row)
	}
	out.Flush()
	return writeLatin1(w, text.String())
}

// writeLatin1 writes text in Latin-1.
func writeLatin1(w io.Writer, text string) error {
	coded := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return fmt.Errorf("Latin-1 has no %q", r)
		}
		coded = append(coded, byte(r))
	}
	_, err := w.Write(coded)
	return err
}

// The wide table counts words in letters: 1 of 100 cells is not 0.
const (
	WideRows    = 300
	WideColumns = 5000
	perRow      = WideColumns / 100
)

// A wideRow has the words of a letter and how often each occurs.
type wideRow struct {
	class string
	word  []int
	count []int
}

func wideRows() (rows []wideRow) {
	d := newDraw("wide")
	for range WideRows {
		row := wideRow{class: d.of("complaint", "order", "question")}
		shift := map[string]int{"complaint": 0, "order": 40, "question": 80}[row.class]
		has := map[int]int{}
		for len(has) < perRow {
			word := d.IntN(WideColumns)
			if d.chance(0.08) {
				word = shift + d.IntN(60) // which the letters of a kind share
			}
			has[word]++
		}
		for word := range has {
			row.word = append(row.word, word)
		}
		slices.Sort(row.word)
		for _, word := range row.word {
			row.count = append(row.count, has[word])
		}
		rows = append(rows, row)
	}
	return rows
}

// WideCSV writes the wide table with all its zeros.
func WideCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	record := make([]string, WideColumns+1)
	for j := range WideColumns {
		record[j] = fmt.Sprintf("word%d", j+1)
	}
	record[WideColumns] = "kind"
	out.Write(record)
	for _, row := range wideRows() {
		for j := range WideColumns {
			record[j] = "0"
		}
		for k, word := range row.word {
			record[word] = strconv.Itoa(row.count[k])
		}
		record[WideColumns] = row.class
		out.Write(record)
	}
	out.Flush()
	return out.Error()
}

// WideLIBSVM writes the wide table without its zeros. The classes are 1, 2 and 3.
func WideLIBSVM(w io.Writer) error {
	var text strings.Builder
	for i, row := range wideRows() {
		text.WriteString(map[string]string{"complaint": "1", "order": "2", "question": "3"}[row.class])
		for k, word := range row.word {
			fmt.Fprintf(&text, " %d:%d", word+1, row.count[k])
		}
		if i == 0 && row.word[len(row.word)-1] != WideColumns-1 {
			fmt.Fprintf(&text, " %d:0", WideColumns) // so that a reader knows how many columns there are
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(w, text.String())
	return err
}
