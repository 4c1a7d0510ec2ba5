"""Examples of every verb, as `lookalike VERB --help` shows them, and what exit codes mean."""

EXITS = {  # exit code -> what it means
    0: "done",
    2: "a mistake of the user, or something that is missing: one sentence on stderr says what to change",
    3: "a figure is worse than --fail-under allows; the report is written",
    4: "a language model wrote nothing of a class, or fewer than half of the rows, or shards or models are "
    "missing; what was made is kept",
    130: "stopped by Ctrl-C or by SIGTERM; where something is kept, the same command goes on from there",
    141: "nobody reads the output any more",
}

EXAMPLES = {
    "generate": """
  lookalike generate examples/adult.csv.gz -n 10000 -o synthetic.csv
  lookalike generate examples/adult.csv.gz -n 5000 -o rich.csv --where 'income=>50K' --where age=30..40
  lookalike generate examples/orders.csv -n 5000 -o out.csv --kind customer_id=key --kind customer=pseudonym
  lookalike generate examples/adult.csv.gz -n 10000 -o synthetic.csv --report out.html \\
      --holdout examples/adult-test.csv.gz --target income
  lookalike generate real.csv -n 10000 -o out.csv --curate     (rows that are broken or repeat others go)
  lookalike generate 'duckdb:///shop.db?table=orders' -n 5000 -o out.parquet
  lookalike generate 'sqlite:///shop.db?query=SELECT * FROM orders WHERE year = 2024' -n 5000 -o out.csv
  lookalike generate 'postgresql://ann@db.example/shop?table=sales.orders' -n 5000 -o out.csv
  lookalike generate examples/messages.csv -n 2000 -o out.csv --llm http://127.0.0.1:8000/v1 --model NAME \\
      --text text --label label --max-calls 500 --dry-run     (then without --dry-run)
  lookalike generate examples/messages.csv -n 2000 -o out.csv --llm http://127.0.0.1:8000/v1 --model NAME \\
      --text text --label label --grow coverage               (asks on where REAL is not covered yet)
  lookalike generate real.csv -n 1e6 -o made/ --shards 100 --llm http://127.0.0.1:8000/v1 --model NAME \\
      --text text --label label --demonstrations 5000 --max-calls 500000     (a ledger a shard, one budget)
  lookalike generate --recipe r.toml -n 500 -o out.jsonl --llm http://127.0.0.1:8000/v1 --model NAME
  lookalike generate real.csv --recipe r.toml -n 100000 -o out.csv --llm URL --model NAME --then difflm
A table in Postgres takes its password from PGPASSWORD, or from the file ~/.pgpass. Stopped by a crash or by
Ctrl-C, the same command goes on from what is kept in OUT.run.""",
    "resume": """
  lookalike resume out.csv.run                     (the folder of  lookalike generate ... -o out.csv)
A training goes on from its checkpoint. With a language model, replies that were paid for are read back, and
the key is taken from OPENAI_API_KEY.""",
    "prompts": """
  lookalike prompts
  lookalike prompts -o my-prompts     (edit them, then:  lookalike generate ... --templates my-prompts)""",
    "recipe": """
  lookalike recipe                          (lists them)
  lookalike recipe qa -o qa.toml
  lookalike generate --recipe qa.toml -n 200 -o qa.jsonl --llm http://127.0.0.1:8000/v1 --model NAME \\
      --dry-run     (then without --dry-run)""",
    "schema": """
  lookalike schema examples/orders.csv
  lookalike schema examples/adult.csv.gz --missing '?' -o schema.json
  (edit it: "kind" is category, number, datetime, boolean, text, code, json, id or constant; "min_rows": 1
  keeps the rare values of a category; then:  lookalike fit real.csv -o real.model --schema schema.json)
  lookalike schema real.csv --rule 'end >= start' --rule "'unit price' -> vat"     (rules beside those found)
A rule: end >= start, total = room + tax, vat = 0.19 * net, line = price * qty, hours = out - in in hours,
  hired >= birth + 18, paid = max(claim - deductible, 0), sold = min(demand, stock), arrival > due -> late,
  year = year of date, copy = original, city -> country, exactly one of a, b, c, a, b empty together.""",
    "fit": """
  lookalike fit examples/adult.csv.gz -o adult.model --missing '?'
  lookalike fit real.parquet -o real.model --max-time 1h30m --missing '?'
  lookalike fit export.xlsx -o real.model
  lookalike fit export.csv -o real.model --sep ';' --decimal , --encoding latin-1
  lookalike fit real.csv -o real.model --schema schema.json     (of  lookalike schema, edited)
  lookalike fit real.csv -o real.model --backbone Qwen/Qwen2.5-0.5B --lora
  lookalike fit real.csv -o cities/ --by city --workers 4       (a model a city; the same command goes on)
Stopped by a crash or by Ctrl-C, the same command goes on from the last checkpoint in MODEL_DIR.""",
    "sample": """
  lookalike sample adult.model -n 1000 -o rich.csv --where 'income=>50K' --where age=30..40
  lookalike sample real.model -n 10000000 -o synthetic.parquet
  lookalike sample real.model -n 1000 -o some.csv --where city=Paris,Rome --where age=18.. --where phone!=
  lookalike sample real.model -n 1000 -o variations.csv --like seeds.csv --strength 0.2
  lookalike sample real.model -o completed.csv --given partly-filled-rows.csv
  lookalike sample real.model -n 1000 -o balanced.csv --balance income
  lookalike sample cities/ -n 1000 -o some.csv --where city=Paris     (of  lookalike fit --by city)
  lookalike sample real.model -n 1000 -o - | head
  lookalike sample real.model -n 1e9 -o made/ --shards 1000     (a process a core; the same command goes on)
  lookalike sample real.model -n 1e9 -o s3://bucket/made/ --shards 1000 --shard $SLURM_ARRAY_TASK_ID
  lookalike sample real.model -n 1e9 -o s3://bucket/made/ --shards 1000 --engine ray://head:10001""",
    "impute": """
  lookalike impute adult.model examples/adult-test.csv.gz -o full.csv""",
    "align": """
  lookalike align --real examples/messages.csv --synthetic examples/written.csv -n 60 -o aligned.csv \\
      --text text --label label
  lookalike align --real train.csv --synthetic synthetic.parquet -n 10000 -o aligned.parquet
  lookalike align --real train.csv --synthetic llm.jsonl -n 2000 -o out.jsonl --text text --label label
  lookalike align --real train.csv --synthetic s.csv -n 500 -o out.csv --holdout test.csv --json align.json
  lookalike align --real train.csv --synthetic made/ -n 1000000 -o aligned/     (a folder of shards)
The figures are of real rows that were held out: a fifth of the real table, or --holdout.""",
    "curate": """
  lookalike curate examples/written.csv -o curated.csv --real examples/messages.csv --label label \\
      --report removed.html
  lookalike curate synthetic.csv -o curated.csv --real train.csv --label income --only labels --method weigh
  lookalike curate synthetic.csv -o curated.csv --real train.csv --label income --doubt dynamics
  lookalike curate synthetic.csv -o curated.csv --dry-run            (what would be dropped, and why)
  lookalike curate texts.csv -o curated.csv --only near,exact --near 0.8
  lookalike curate synthetic.csv -o curated.csv --real train.csv --without range --rejected dropped.csv
  lookalike curate synthetic.csv -o curated.csv --real train.csv --label label --method relabel \\
      --llm http://127.0.0.1:8000/v1 --model NAME --votes 3 --people 0.1 --max-calls 2000
  lookalike curate made/ -o curated/ --real train.csv --workers 8            (in shards)
What was decided on each row is in OUT.decisions.json; replies of a language model are kept in OUT.run, so
that the same command asks nothing twice.""",
    "select": """
  lookalike select examples/messages.csv -n 10 -o to-label.csv --text text
  lookalike select half-labelled.csv -n 50 -o next.csv --text text --label label --method entropy
  lookalike select unlabelled.csv -n 100 -o to-label.csv --compare      (all methods, beside each other)
Then label them:  lookalike review to-label.csv -o labelled.csv --label label""",
    "review": """
  lookalike review examples/written.csv -o reviewed.csv --label label --real examples/messages.csv
  lookalike review synthetic.csv -o reviewed.csv --decisions curated.csv.decisions.json --queue 300
  lookalike review synthetic.csv -o reviewed.csv --label label --static page.html    (to be sent to somebody)
  lookalike review synthetic.csv -o reviewed.csv --label label --import page.answers.jsonl
  lookalike review answers.jsonl -o judged.jsonl --pair ours theirs     (which is better, without the names)
  lookalike review --agreement ann.answers.jsonl bob.answers.jsonl
The page is for this machine alone (from another one: ssh -L 8471:127.0.0.1:8471 HOST). Several people may
answer at once, each under their own name. Ctrl-C writes OUT; the same command goes on where it stopped.""",
    "judge": """
  lookalike judge examples/written.csv --real examples/messages.csv --label label --model NAME \\
      --llm http://127.0.0.1:8000/v1 -o judge.html --dry-run     (then without --dry-run)
  lookalike judge a.csv --real train.csv --model NAME --pairs 100 --ratings 0 --max-calls 300 -o judge.html
  lookalike judge a.csv --real train.csv --model NAME --criteria rubric.toml -o judge.html
  lookalike review judge.html.slice.jsonl -o slice.jsonl --pair real synthetic --queue 111
  lookalike judge a.csv --real train.csv --model NAME -o judge.html --human slice.jsonl   (asks nothing again)
Of 100 pairs 5 are controls that everybody can tell; a judge with fewer than 90% of these right is unusable.
Replies are kept in HTML.ledger.sqlite: the same command goes on from there.""",
    "agent": """
  lookalike agent
  lookalike agent -o SKILL.md        (where an agent looks for its skills)""",
    "evaluate": """
  lookalike evaluate --real examples/messages.csv --synthetic examples/written.csv --target label
  lookalike evaluate --real train.csv --synthetic s.csv --holdout test.csv --target income -o report.html
  lookalike evaluate --real train.csv --synthetic s.csv -o README.md          (the data card, for a hub)
  lookalike evaluate --real orders.csv --synthetic s.csv --id customer_id --id customer
  lookalike evaluate --real orders.csv --synthetic s.csv --schema real.model/schema.json
  lookalike evaluate --real train.csv --synthetic s.csv --only fidelity,privacy --quick
  lookalike evaluate --real train.csv --synthetic s.csv --only fidelity --fail-under c2st=0.60
  lookalike evaluate --real train.csv --synthetic made/ --holdout test.csv -o report.html     (in shards)""",
}
