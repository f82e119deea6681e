package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
)

// completions are the scripts by shell. Each asks xrun itself for the words.
var completions = map[string]string{
	"bash": `_xrun() {
  local words
  words=$("${COMP_WORDS[@]:0:$COMP_CWORD}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
  [[ ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _xrun xrun
`,
	"zsh": `#compdef xrun
_xrun() {
  local -a words_
  words_=("${(@f)$("${words[@]:0:$((CURRENT-1))}" --generate-bash-completion 2>/dev/null)}")
  _describe xrun words_ || _files
}
compdef _xrun xrun
`,
	"fish": `complete -c xrun -a '(set -l w (commandline -opc); $w --generate-bash-completion 2>/dev/null)'
`,
	"pwsh": `Register-ArgumentCompleter -Native -CommandName xrun -ScriptBlock {
  param($word, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -SkipLast ([int]($word -ne '')) | ForEach-Object { "$_" })
  & $words[0] @($words | Select-Object -Skip 1) --generate-bash-completion | Where-Object { $_ -like "$word*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print the completion script of a shell",
		ArgsUsage:   "bash|zsh|fish|pwsh",
		Description: `bash: source <(xrun completion bash)   zsh: source <(xrun completion zsh)   fish: xrun completion fish | source`,
		BashComplete: func(c *cli.Context) {
			for _, shell := range shells() {
				fmt.Fprintln(p.stdout, shell)
			}
		},
		Action: func(c *cli.Context) error {
			args, err := commandline.Positional(c, 1, 1, "bash|zsh|fish|pwsh")
			if err != nil {
				return err
			}
			script, ok := completions[args[0]]
			if !ok {
				return advice.Usage(fmt.Errorf("no completion for %q", args[0]), "there is one for bash, fish, pwsh and zsh")
			}
			fmt.Fprint(p.stdout, script)
			return nil
		},
	}
}

func shells() []string {
	var names []string
	for name := range completions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
