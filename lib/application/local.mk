# lib/application
