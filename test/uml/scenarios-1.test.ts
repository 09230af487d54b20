import { testScenarios } from './scenario-suite.ts';

testScenarios(0);
