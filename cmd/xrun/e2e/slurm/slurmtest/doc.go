// Package slurmtest runs a Slurm cluster on one host, for tests: its own munged and slurmctld, and a slurmd for each
// node, on free ports, in a directory of its own. It needs the packages slurmctld, slurmd, slurm-client and munge, no
// systemd, no configuration and no root. Without them the test is skipped. It runs on Linux only, so a test that uses it
// is in a file named *_linux_test.go.
//
//	func TestSweepOnSlurm(t *testing.T) {
//		tests.NeedExamples(t, "it starts a Slurm cluster")
//		t.Parallel()
//		dir := t.TempDir() // before the cluster, so that it is removed after the last job has ended
//		cluster := slurmtest.Start(t, slurmtest.Options{})
//		cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--on", "slurm")
//		cmd.Env = append(cmd.Env, cluster.Env()...)
//		e2e.Run(t, 0, cmd)
//	}
//
// [Cluster.Output] runs sbatch, scancel and the other commands of Slurm. [Cluster.KillNode], [Cluster.KillSlurmd],
// [Cluster.KillController] and [Cluster.KillTask] are the faults. The task of a killed node starts again after some 20 s,
// or 6 s where the test calls [Cluster.GiveUp]. Lines of slurm.conf that a test needs go into
// [Options.Config]; with these, a job of the partition urgent requeues the jobs of others:
//
//	PreemptType=preempt/partition_prio
//	PreemptMode=REQUEUE
//	PartitionName=urgent Nodes=ALL PriorityTier=2 MaxTime=INFINITE State=UP
//
// and with MinJobAge=2 the controller forgets a job 2 s after its end, which takes 5 minutes by default.
//
// Nothing outlives a test. A process beside it, which is the same binary, ends the cluster and its jobs when the test
// has ended, be it by SIGKILL or go test's -timeout.
package slurmtest
