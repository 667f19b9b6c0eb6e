/* config.ts: `hs-replicate config`: the settings in effect, and where each came from.
 * It takes every setting as a flag, so that a command's flags can be tried on it. */
import { environmentNameOf, fileKeyOf, flagOf, settingNames } from '../../config.js';
import { formatValue } from '../../config-values.js';
import { printJson, printLine, printTable, type CommandSpec } from '../shell.js';

export const configCommand: CommandSpec = {
  usage: 'config',
  summary: 'print the settings in effect, and where each came from',
  settings: settingNames.filter((name) => name !== 'logLevel'),
  examples: ['hs-replicate config', 'HOTSWAP_COMMIT=async hs-replicate config --json'],
  run: async ({ configuration, isJson }) => {
    const { settings, origins, file } = configuration;
    if (isJson) {
      const entries = settingNames.map((name) => {
        const value = settings[name] === undefined ? null : formatValue(settings[name]);
        const { from, where } = origins[name];
        return [fileKeyOf(name), { value, from, where, environment: environmentNameOf(name) }];
      });
      printJson({ file: file ?? null, settings: Object.fromEntries(entries) });
      return;
    }
    printTable(settingNames.map((name) => {
      const { from, where } = origins[name];
      const origin = where === '' || from === 'flag' ? from : `${from}: ${where}`;
      return [flagOf(name), formatValue(settings[name]) || '-', origin];
    }));
    printLine(file === undefined ? 'no settings file here' : `settings file: ${file}`);
  },
};
