"""Deploy a release: upload the package, change the stack, run the migrations, deploy the web side."""
