/* greeting.ts: the first message of each side, and what is said in its list of features: the
 * primary's policy, its processor, and the address that a survivor serves.
 * The rule: a feature is NAME=VALUE; one that is not known is passed over. */
import { layout, type Hello } from '../channel/index.js';
import {
  partitionPolicies, type BackupPumpConfig, type OnPartition, type PrimaryPumpConfig,
} from './pump-messages.js';
import { readProcessor, type Processor } from './processor.js';

const version = layout.HS_VERSION;

export function primaryHello(config: PrimaryPumpConfig): Hello {
  const { tableHash, name, instance, onPartition } = config;
  const { model, flags } = readProcessor();
  return {
    version, tableHash, role: 'primary', name, instance, nextSeq: 0,
    features: [
      `on-partition=${onPartition}`, `processor=${model}`, ...flags.map((flag) => `flag=${flag}`),
    ],
  };
}

/** One without a name of its own takes whatever the primary runs. */
export function backupHello({ tableHash, name, instance }: BackupPumpConfig): Hello {
  return {
    version, tableHash, role: 'backup', name: name === 'default' ? '' : name, instance,
    nextSeq: 0, features: [],
  };
}

/** Of a backup that has taken over: it is no backup any more. */
export function successorHello(config: BackupPumpConfig, name: string, vip: string): Hello {
  return { ...backupHello(config), name, role: 'primary', features: [`serves=${vip}`] };
}

function valuesOf({ features }: Hello, name: string): string[] {
  const start = `${name}=`;
  return features.filter((f) => f.startsWith(start)).map((f) => f.slice(start.length));
}

/** What the backup is to do when it hears nothing. */
export function policyOf(hello: Hello): OnPartition {
  const [said] = valuesOf(hello, 'on-partition');
  return partitionPolicies.find((known) => known === said) ?? 'backup-takes-over';
}

export function processorOf(hello: Hello): Processor {
  return { model: valuesOf(hello, 'processor')[0] ?? '', flags: valuesOf(hello, 'flag') };
}

/** The service address that the sender serves, having taken it over. */
export function servedAddress(hello: Hello): string | undefined {
  return hello.role === 'primary' ? valuesOf(hello, 'serves')[0] : undefined;
}
