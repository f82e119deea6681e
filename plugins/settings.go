package plugins

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Type is the type of a setting's value.
type Type string

// The types of a setting, as `xrun plugin info` shows them.
const (
	TypeReal    Type = "real"
	TypeInteger Type = "integer"
	TypeFlag    Type = "flag"
	TypeChoice  Type = "choice"
	TypeText    Type = "text"
)

// ReservedSettings are the names that no setting of a component can have: the keys that its table in a sweep file has
// itself.
func ReservedSettings(kind Kind) []string {
	switch kind {
	case KindOptimizer:
		return []string{"plugin", "component", "grid", "base", "schedule"}
	case KindRegularizer:
		return []string{"plugin", "component", "grid"}
	case KindObjective:
		return []string{"plugin", "component", "epochs", "dtype", "penalize_bias", "report"}
	}
	return nil
}

// A Value is a typed setting value. The zero Value means "not given".
type Value struct {
	Type    Type
	Real    float64 // TypeReal
	Integer int64   // TypeInteger
	Flag    bool    // TypeFlag
	Text    string  // TypeChoice and TypeText
}

// Real makes a real Value.
func Real(v float64) Value { return Value{Type: TypeReal, Real: v} }

// Integer makes an integer Value.
func Integer(v int64) Value { return Value{Type: TypeInteger, Integer: v} }

// Flag makes a Value that is true or false.
func Flag(v bool) Value { return Value{Type: TypeFlag, Flag: v} }

// Choice makes a Value that is one of a setting's Choices.
func Choice(v string) Value { return Value{Type: TypeChoice, Text: v} }

// Text makes a free text Value.
func Text(v string) Value { return Value{Type: TypeText, Text: v} }

// IsZero reports whether no value was given.
func (v Value) IsZero() bool { return v.Type == "" }

// String is the value as a sweep file would write it, reals in the shortest form that reads
// back to the same bits.
func (v Value) String() string {
	switch v.Type {
	case TypeReal:
		return strconv.FormatFloat(v.Real, 'g', -1, 64)
	case TypeInteger:
		return strconv.FormatInt(v.Integer, 10)
	case TypeFlag:
		return strconv.FormatBool(v.Flag)
	}
	return v.Text
}

// A Setting declares one setting of a component.
type Setting struct {
	Name    string
	Type    Type
	Default Value  // zero when Required
	Doc     string // one line
	// Low and High bound a real or integer setting; NaN means unbounded.
	// LowOpen and HighOpen exclude the bound itself.
	Low, High         float64
	LowOpen, HighOpen bool
	Log               bool     // worth searching on a logarithmic scale
	Choices           []string // TypeChoice
	Required          bool
	// Conventional are the defaults under the conventions where they differ; see [Setting.Under].
	Conventional map[string]Value
}

// RealSetting declares a real setting without bounds.
func RealSetting(name string, def float64, doc string) Setting {
	return Setting{Name: name, Type: TypeReal, Default: Real(def), Doc: doc, Low: math.NaN(), High: math.NaN()}
}

// IntegerSetting declares an integer setting without bounds.
func IntegerSetting(name string, def int64, doc string) Setting {
	return Setting{Name: name, Type: TypeInteger, Default: Integer(def), Doc: doc, Low: math.NaN(), High: math.NaN()}
}

// FlagSetting declares a setting that is true or false.
func FlagSetting(name string, def bool, doc string) Setting {
	return Setting{Name: name, Type: TypeFlag, Default: Flag(def), Doc: doc, Low: math.NaN(), High: math.NaN()}
}

// ChoiceSetting declares a setting with the given choices; the first is the default.
func ChoiceSetting(name, doc string, choices ...string) Setting {
	return Setting{Name: name, Type: TypeChoice, Default: Choice(choices[0]), Doc: doc, Choices: choices, Low: math.NaN(), High: math.NaN()}
}

// TextSetting declares a text.
func TextSetting(name, def, doc string) Setting {
	return Setting{Name: name, Doc: doc, Type: TypeText, Default: Text(def), Low: math.NaN(), High: math.NaN()}
}

// Within bounds the setting to [low, high].
func (s Setting) Within(low, high float64) Setting {
	s.Low, s.High = low, high
	return s
}

// Above bounds the setting to (low, ∞).
func (s Setting) Above(low float64) Setting {
	s.Low, s.LowOpen = low, true
	return s
}

// AtLeast bounds the setting to [low, ∞).
func (s Setting) AtLeast(low float64) Setting {
	s.Low = low
	return s
}

// Below excludes everything from high on: with [Setting.AtLeast], [low, high).
func (s Setting) Below(high float64) Setting {
	s.High, s.HighOpen = high, true
	return s
}

// Under gives the setting another default under a convention of its component.
func (s Setting) Under(convention string, def Value) Setting {
	s.Conventional = maps.Clone(s.Conventional)
	if s.Conventional == nil {
		s.Conventional = map[string]Value{}
	}
	s.Conventional[convention] = def
	return s
}

// DefaultUnder is the default under a convention; without one, the setting's own.
func (s Setting) DefaultUnder(convention string) Value {
	if v, ok := s.Conventional[convention]; ok {
		return v
	}
	return s.Default
}

// Range is the setting's domain as text: "[0, 1)", "one of torch, keras", "true or false".
func (s Setting) Range() string {
	switch s.Type {
	case TypeFlag:
		return "true or false"
	case TypeChoice:
		return "one of " + strings.Join(s.Choices, ", ")
	case TypeText:
		return "text"
	}
	low, high := "(-∞", "∞)"
	if !math.IsNaN(s.Low) {
		low = bracket(s.LowOpen, "(", "[") + strconv.FormatFloat(s.Low, 'g', -1, 64)
	}
	if !math.IsNaN(s.High) {
		high = strconv.FormatFloat(s.High, 'g', -1, 64) + bracket(s.HighOpen, ")", "]")
	}
	return low + ", " + high
}

func bracket(open bool, ifOpen, ifClosed string) string {
	if open {
		return ifOpen
	}
	return ifClosed
}

// renamed are choices that have another name now, by setting.
var renamed = map[string]map[string]string{SettingConvention: {"seed": "mean_squares"}}

// Synonyms are the other names by which files and databases know a choice of a setting, former and present
// ones; most have none.
func Synonyms(setting, choice string) (names []string) {
	for before, now := range renamed[setting] {
		switch choice {
		case before:
			names = append(names, now)
		case now:
			names = append(names, before)
		}
	}
	return names
}

// Check converts v to the setting's type, and returns an error if the setting does not allow it.
// An integer is accepted where a real is meant, a real never where an integer is. A choice that has been
// renamed gets its present name.
func (s Setting) Check(v Value) (Value, error) {
	if s.Type == TypeReal && v.Type == TypeInteger {
		v = Real(float64(v.Integer))
	}
	if s.Type == TypeChoice && v.Type == TypeText {
		v.Type = TypeChoice
	}
	if v.Type != s.Type {
		return v, &SettingError{Setting: s.Name, Problem: fmt.Sprintf("wants a value of type %s, got %s", s.Type, v.Type)}
	}
	switch s.Type {
	case TypeReal:
		if math.IsNaN(v.Real) || math.IsInf(v.Real, 0) {
			return v, &SettingError{Setting: s.Name, Problem: "wants a finite number"}
		}
		return v, s.checkBounds(v.Real, v)
	case TypeInteger:
		return v, s.checkBounds(float64(v.Integer), v)
	case TypeChoice:
		if i := slices.IndexFunc(Synonyms(s.Name, v.Text), func(word string) bool { return slices.Contains(s.Choices, word) }); i >= 0 && !slices.Contains(s.Choices, v.Text) {
			v.Text = Synonyms(s.Name, v.Text)[i]
		}
		if !slices.Contains(s.Choices, v.Text) {
			return v, &SettingError{Setting: s.Name, Problem: fmt.Sprintf("is %q, but wants %s", v.Text, s.Range())}
		}
	}
	return v, nil
}

func (s Setting) checkBounds(x float64, v Value) error {
	low := x < s.Low || s.LowOpen && x == s.Low
	high := x > s.High || s.HighOpen && x == s.High
	if low || high {
		return &SettingError{Setting: s.Name, Problem: fmt.Sprintf("is %s, but its range is %s", v, s.Range())}
	}
	return nil
}

// A SettingError says which setting of a component cannot be used, and why.
type SettingError struct {
	Setting string
	Problem string
}

func (e *SettingError) Error() string { return fmt.Sprintf("setting %q %s", e.Setting, e.Problem) }

// Settings are a component's settings by name, checked and complete: every declared setting is
// present. The accessors panic on a name or a type that the component did not declare.
type Settings map[string]Value

// Complete checks given against the declarations of spec and fills in the defaults, under the
// convention that is given, if any.
func (s Spec) Complete(given Settings) (Settings, error) {
	for _, name := range given.Names() {
		if _, ok := s.Setting(name); !ok {
			return nil, &SettingError{Setting: name, Problem: fmt.Sprintf("is unknown to %s %q", s.Kind, s.Name)}
		}
	}
	convention := s.convention(given)
	complete := make(Settings, len(s.Settings))
	for _, setting := range s.Settings {
		v, ok := given[setting.Name]
		if !ok {
			if setting.Required {
				return nil, &SettingError{Setting: setting.Name, Problem: "is required"}
			}
			complete[setting.Name] = setting.DefaultUnder(convention)
			continue
		}
		v, err := setting.Check(v)
		if err != nil {
			return nil, err
		}
		complete[setting.Name] = v
	}
	return complete, nil
}

// Defaults are the values of the settings that are not required when they are not given, under the
// convention that given chooses.
func (s Spec) Defaults(given Settings) Settings {
	convention := s.convention(given)
	defaults := make(Settings, len(s.Settings))
	for _, setting := range s.Settings {
		if !setting.Required {
			defaults[setting.Name] = setting.DefaultUnder(convention)
		}
	}
	return defaults
}

// convention is the one that settings choose, or the component's default.
func (s Spec) convention(given Settings) string {
	if v, ok := given[SettingConvention]; ok {
		return v.Text
	}
	setting, _ := s.Setting(SettingConvention)
	return setting.Default.Text
}

// Names lists the settings in alphabetical order.
func (s Settings) Names() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Real is the value of a real setting.
func (s Settings) Real(name string) float64 { return s.typed(name, TypeReal).Real }

// Integer is the value of an integer setting.
func (s Settings) Integer(name string) int64 { return s.typed(name, TypeInteger).Integer }

// Flag is the value of a flag.
func (s Settings) Flag(name string) bool { return s.typed(name, TypeFlag).Flag }

// Choice is the value of a choice.
func (s Settings) Choice(name string) string { return s.typed(name, TypeChoice).Text }

// Text is the value of a text setting; it panics if there is none.
func (s Settings) Text(name string) string { return s.typed(name, TypeText).Text }

func (s Settings) typed(name string, t Type) Value {
	v, ok := s[name]
	if !ok || v.Type != t {
		panic(fmt.Sprintf("plugins: component asked for the %s setting %q, which it does not declare", t, name))
	}
	return v
}
