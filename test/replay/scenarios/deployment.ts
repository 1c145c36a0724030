import type { DeploymentScenarios } from '../recording/recorded-deployment.js';

const line = (version: string) => ({ version, image: `creel/openclaw:${version}`, dev: true });

/** What a deployment is told. */
export const deployments: DeploymentScenarios = {
  'deployment-releases': {
    asked: [
      (deployment) => deployment.tell({ word: 'add', line: line('2026.9.6') }),
      (deployment) => deployment.tell({ word: 'add', line: line('2026.9.7') }),
      (deployment) => deployment.tell({ word: 'add', line: line('2026.9.7') }),
      (deployment) => deployment.tell({ word: 'remove', version: '2026.9.6' }),
      (deployment) => deployment.continueAsNew(),
      (deployment) => deployment.tell({ word: 'add', line: line('2026.9.8') }),
    ],
    exported: (deployment) => deployment.tell({ word: 'remove', version: '2026.9.7' }),
  },
};
