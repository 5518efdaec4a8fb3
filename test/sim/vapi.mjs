#!/usr/bin/env node
/**
 * The Vapi simulator. See README.md; `node vapi.mjs --help` lists the options.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { ADMIN } from './admin.mjs';
import { Faults } from './faults.mjs';
import { mishapRules } from './mishaps.mjs';
import { parseOptions, usage } from './options.mjs';
import { createServer } from './server.mjs';
import { Simulator } from './simulator.mjs';

function main() {
  if (process.argv.includes('--help')) {
    console.log(usage());
    return;
  }
  let options;
  let faults;
  try {
    // A command line can be read by everybody, the environment only by the same user.
    const key = process.env.VAPI_SIM_KEY;
    const secret = process.env.VAPI_SIM_WEBHOOK_SECRET;
    options = parseOptions([...(key ? ['--key', key] : []), ...(secret ? ['--webhook-secret', secret] : []), ...process.argv.slice(2)]);
    mishapRules(options.webhookMishaps);
    faults = new Faults(options.faults, options.seed);
  } catch (error) {
    console.error(`vapi simulator: ${error.message}`);
    process.exitCode = 2;
    return;
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
  if (options.dieWithStdin) process.stdin.on('end', () => process.exit(0)).on('error', () => process.exit(0)).resume();

  const simulator = new Simulator(options);
  const server = createServer(simulator, { faults, admin: options.admin ? ADMIN : [] });
  server.on('error', (error) => {
    console.error(`vapi simulator: ${error.message}`);
    process.exit(1);
  });
  server.listen(options.port, options.host, () => {
    const { port } = server.address();
    if (options.control) simulator.controlOrigin = `http://${options.host}:${port}`;
    if (options.portFile) {
      const temporary = `${options.portFile}.${process.pid}`;
      writeFileSync(temporary, `${port}\n`);
      renameSync(temporary, options.portFile);
    }
    console.log(`listening on http://${options.host}:${port}`);
  });
}

main();
