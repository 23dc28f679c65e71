"""From text to tree: lines of LaTeX, as lectures print them, become expressions of a setting's vocabulary.

`chain.read` is the way in: `layout` parts the text into lines, `tokens` and `surface` say what a line prints,
`meaning` says what that stands for in the setting, and `claims` what the line claims by it. `openings` knows
what a first line defines, `unread` is the error of a line that cannot be read.
"""
