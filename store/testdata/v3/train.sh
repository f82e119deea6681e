# Falls, and rises again after the fourth epoch.
for epoch in 1 2 3 4 5 6; do
	loss=$(awk "BEGIN { print $1 * (($epoch - 4) ^ 2 + 1) + $2 / 100 }")
	echo "{\"epoch\": $epoch, \"val_loss\": $loss, \"val_accuracy\": 0.$epoch}"
done
