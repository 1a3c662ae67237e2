"""Writes sql/reference/spark_functions.csv: the names under which functions and expressions of Spark itself stand in plans.

    python make.py SPARK_HOME [SPARK_HOME ...] > ../../../sql/reference/spark_functions.csv

Each SPARK_HOME is a distribution or the folder of an installed pyspark; pyspark has to be importable. A plan shows an
expression by the name that SQL knows (SHOW FUNCTIONS, asked of the pyspark that runs this) or by the name of its class in
lower case, which are read from the jars. Words that only look like functions are added.
"""

import re
import sys
import zipfile
from pathlib import Path

from pyspark.sql import SparkSession

# Words of SQL and of plans that can stand before a parenthesis.
WORDS = """all and any as between by case cast distinct div else end exists filter finalmerge for from having if ilike in inset is join
like merge mod none not null on or over partial partial_final partial_merge regexp rlike select similar some then to try_cast union
using values when where with within group order partition rows range ansi_cast arraytype maptype structtype
array binary bigint boolean byte char date decimal double float int integer interval long map short smallint string struct time
timestamp timestamp_ltz timestamp_ntz tinyint varchar variant void
keys functions results output arguments aggregate batched location metadata format
broadcast hashpartitioning rangepartitioning roundrobinpartitioning roundrobin singlepartition coalescedhashpartitioning
keygroupedpartitioning unspecifiedframe rowframe rangeframe specifiedwindowframe windowspecdefinition currentrow unboundedpreceding
unboundedfollowing identitybroadcastmode hashedrelationbroadcastmode subquery scalar subqueryadaptivebroadcast subquerybroadcast
reusedsubquery dynamicpruning dynamicpruningexpression lambda lambdafunction namedlambdavariable arraybuffer list set wrappedarray
arraytype binarytype bytetype decimaltype maptype nulltype structtype atleastnnulls normalizenanandzero filesizehistogramagg
aggregate_metrics unwrap_udt inmemoryfileindex preparedeltafileindex tahoelogfileindex bloom_filter_might_contain might_contain bloom_filter_agg""".split()
# Expressions of Spark 1.x to 3.x that later versions dropped, and words of plans that are no class of theirs.
OLD = """ansicast array_to_vector cardinality_internal castwithannotation collecthashset combinesets combinesetsandcombinehyperloglog complextypedaggregateexpression createnamedstructunsafe
createstructunsafe decimalsum eqnullsafe getcolumnbyordinal insubqueryexec promote_precision promoteprecision scalaudaf simpletypedaggregateexpression
structfield subqueryexec timesub typedaggregateexpression vector_to_array vectorudt""".split()
EXPRESSION = re.compile(r"org/apache/spark/sql/catalyst/expressions/(?:\w+/)*(\w+)\.class$")


def classes(home: Path) -> set[str]:
    jars = list(home.glob("jars/spark-catalyst_*.jar"))
    if not jars:
        raise SystemExit(f"{home}: no jars")
    names = set()
    for jar in jars:
        for entry in zipfile.ZipFile(jar).namelist():
            found = EXPRESSION.match(entry)
            if found:
                names.add(found[1].lower())
    return names


def main() -> None:
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    names = {row.function.lower() for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect()}
    spark.stop()
    for home in sys.argv[1:]:
        names |= classes(Path(home))
    names |= set(WORDS) | set(OLD)
    print("function")
    for name in sorted(name for name in names if re.fullmatch(r"[a-z_][a-z0-9_]*", name)):
        print(name)


if __name__ == "__main__":
    main()
