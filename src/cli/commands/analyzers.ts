/** `sluice analyzers`: looks at analyzers and steers them. */
import { toJson } from "@bufbuild/protobuf";
import { type Analyzer, AnalyzerSchema } from "@sluice/client/contract";
import { Command } from "commander";
import { type AddressOptions, addAddressOption } from "../client/address.ts";
import { withAdmin } from "../client/with-admin.ts";
import { type Palette, paletteFor } from "../output/colour.ts";
import { formatCount, formatDuration } from "../output/figures.ts";
import { formatTable, numberColumn, textColumn } from "../output/table.ts";
import { analyzerState } from "../stats/report.ts";
import { printLine, printNotice, type Terminal } from "../terminal.ts";
import { weight } from "./options.ts";

const EXAMPLES = `
Examples:
  sluice analyzers list --queue logs
  sluice analyzers weight worker-3 0.1            until its process ends
  sluice analyzers drain worker-3                 it finishes what it has and leaves`;

interface Options extends AddressOptions {
  readonly json?: true;
}

/** Makes the command. */
export function analyzersCommand(terminal: Terminal): Command {
  return new Command("analyzers")
    .summary("look at analyzers; weigh, drain them")
    .description("Looks at analyzers and steers them.")
    .addHelpText("after", EXAMPLES)
    .addCommand(listCommand(terminal))
    .addCommand(weightCommand(terminal))
    .addCommand(drainCommand(terminal));
}

function listCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("list"))
    .description("Lists the analyzers that are attached or were lately.")
    .option("--queue <name>", "only those that serve this queue")
    .option("--json", "print JSON")
    .action(async (options: Options & { readonly queue?: string }) => {
      const analyzers = await withAdmin(options, terminal, (admin) => admin.analyzers(options.queue));
      print(analyzers, options, terminal);
      const place = options.queue === undefined ? "" : ` for queue ${options.queue}`;
      if (analyzers.length === 0) printNotice(terminal, `no analyzers${place}: start one with 'sluice work'`);
    });
}

function weightCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("weight"))
    .description("Changes the weight of an attached analyzer, until its process ends.")
    .argument("<id>", "id of the analyzer")
    .argument("<weight>", "its new weight", weight)
    .option("--json", "print JSON")
    .action(async (id: string, value: number, options: Options) => {
      print([await withAdmin(options, terminal, (admin) => admin.setWeight(id, value))], options, terminal);
    });
}

function drainCommand(terminal: Terminal): Command {
  return addAddressOption(new Command("drain"))
    .description("Asks an attached analyzer to finish what it has and leave.")
    .argument("<id>", "id of the analyzer")
    .option("--json", "print JSON")
    .action(async (id: string, options: Options) => {
      print([await withAdmin(options, terminal, (admin) => admin.drainAnalyzer(id))], options, terminal);
    });
}

function print(analyzers: readonly Analyzer[], options: Options, terminal: Terminal): void {
  if (options.json) {
    const json = analyzers.map((analyzer) => toJson(AnalyzerSchema, analyzer, { alwaysEmitImplicit: true }));
    printLine(terminal, JSON.stringify(json, undefined, 2));
    return;
  }
  for (const line of analyzerTable(analyzers, paletteFor(terminal.out, terminal.env))) printLine(terminal, line);
}

function analyzerTable(analyzers: readonly Analyzer[], palette: Palette): string[] {
  return formatTable(
    [
      textColumn("ANALYZER"),
      textColumn("STATE"),
      ...["WEIGHT", "CREDIT", "IN FLIGHT", "MOST", "COMPLETED", "FAILED", "LAST FRAME"].map(numberColumn),
      ...["QUEUES", "VERSION", "PEER"].map(textColumn),
    ],
    analyzers.map((analyzer) => [
      analyzer.id,
      analyzerState(analyzer.state, palette),
      String(analyzer.weight),
      formatCount(analyzer.credit),
      formatCount(analyzer.inFlight),
      formatCount(analyzer.maxInFlight),
      formatCount(analyzer.completed),
      formatCount(analyzer.failed),
      `${formatDuration(analyzer.lastFrameMs)} ago`,
      analyzer.queues.join(","),
      analyzer.version,
      analyzer.peer,
    ]),
  );
}
