package mlflow

import (
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

func TestMain(m *testing.M) { e2e.Main(m, nil) }
