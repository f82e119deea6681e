package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

// faultTests says which test shows what happens under each of seventy faults: of plugins (1–26), of the runner and its process
// (27–41), of the storage (42–55) and of the input (56–70). A fault that nothing shows yet is said to be so, by "-".
var faultTests = map[int]string{
	1: "TestAProgramThatIsNoPluginIsRefused", 2: "TestStartFaultsSayWhy", 3: "TestPrintsBeforeTheHandshakeAreHarmless", 4: "TestStartFaultsSayWhy",
	5: "TestStartFaultsSayWhy", 6: "TestFaultsAreNamedAndContained", 7: "TestFaultsAreNamedAndContained", 8: "TestFaultsAreNamedAndContained",
	9: "TestOddPluginsJustWork", 10: "TestPluginsThatMisbehaveInASweep", 11: "TestASweepGoesOnToTheSameBits", 12: "TestWrongAnswersAreFaults",
	13: "TestProgramsEnd", 14: "TestFaultsAreNamedAndContained", 15: "TestPrintsBeforeTheHandshakeAreHarmless", 16: "FuzzClean", 17: "TestAMemoryBombEndsAtItsLimit",
	18: "-", 19: "TestKillingXrunEndsWhatItsPluginsHaveStarted", 20: "TestOddPluginsJustWork",
	21: "TestFaultsAreNamedAndContained", 22: "FuzzReply", 23: "TestBrokenPluginsAreCaught", 24: "TestNothingIsLeftBehind",
	25: "TestAPluginThatChangesIsNotStartedAgain", 26: "TestAPluginThatCannotStartFailsItsTrialsOnce",

	27: "TestASweepGoesOnToTheSameBits", 28: "TestACancelledContextStopsWithinAnEpoch", 29: "-", 30: "TestASweepGoesOnToTheSameBits",
	31: "TestTortureKills", 32: "TestTortureKills", 33: "TestFault33AClosedPipe", 34: "TestASweepTakesOverFromAProcessThatDied", 35: "-", 36: "TestFault36APanicCostsItsTrialsOnly", 37: "-",
	38: "TestTortureManyProcesses", 39: "TestScripts/again", 40: "TestScripts/again", 41: "TestACheckpointOutlivesItsProcess",

	42: "TestStoppedHolderOfTheSidecar", 43: "TestFault43DiskFull", 44: "TestFault44AFileSizeLimit", 45: "-", 46: "TestReadInAReadOnlyDirectory", 47: "TestRefusedFilesStayUntouched",
	48: "TestReleasedSchemas", 49: "TestProcessesCreateOneFile", 50: "TestMovedFileIsRescued", 51: "TestMovedFileIsRescued", 52: "TestFault52NetworkFileSystems",
	53: "TestReadWhileWriting", 54: "TestABackupStandsOnItsOwn", 55: "-",

	56: "TestFaultyInput", 57: "TestFaultyInput", 58: "TestFaultyInput", 59: "TestFaultyInput", 60: "TestFaultyInput", 61: "TestFaultyInput",
	62: "TestFaultyInput", 63: "TestFaultyInput", 64: "TestFaultyInput", 65: "TestFaultyInput", 66: "TestFaultyInput", 67: "TestFaultyInput",
	68: "TestRowsForValidationAndTestHaveFilesOfTheirOwn", 69: "TestOddPaths", 70: "FuzzCompile",
}

// Every test that the list names is there.
func TestEveryFaultHasItsTest(t *testing.T) {
	declared := map[string]bool{}
	pattern := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range pattern.FindAllSubmatch(text, -1) {
			declared[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var lacking []int
	for fault := 1; fault <= 70; fault++ {
		name, script, isScript := strings.Cut(faultTests[fault], "/")
		switch {
		case name == "-":
			lacking = append(lacking, fault)
		case !declared[name]:
			t.Errorf("fault %d: there is no test %q", fault, name)
		case isScript:
			if _, err := os.Stat(filepath.Join("testdata", "script", script+".txtar")); err != nil {
				t.Errorf("fault %d: %v", fault, err)
			}
		}
	}
	sort.Ints(lacking)
	t.Logf("%d of 70 faults have a test; these have none: %v", 70-len(lacking), lacking)
}
