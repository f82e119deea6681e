package advice

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Age reads the value of a flag that is a time such as 12h or 30d.
func Age(flag, text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 1e5 {
			return time.Duration(n * 24 * float64(time.Hour)), nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	return 0, Usage(fmt.Errorf("%s %q is not a time", flag, text), "write 30d, 12h or 0")
}
